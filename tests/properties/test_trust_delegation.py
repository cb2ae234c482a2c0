"""However agents pass work on among themselves, a token never says more, or longer, than the one before it."""

from datetime import UTC, datetime, timedelta
from itertools import count

from holdback_base.problem import Problem
from holdback_trust.identity import AGENTS, AUDIENCES, Caller, TaskClaim
from holdback_trust.keys import KeyPair, KeyRing, open_jws
from holdback_trust.policy import AUDIENCE_SCOPES, agent_scopes, person_scopes
from holdback_trust.tokens import TOKEN_TYPE, TokenAuthority, TokenVerifier
from holdback_trust.tokens.reading import _caller, read_token, sign_token  # pyright: ignore[reportPrivateUsage]
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = KeyPair.generate()
RING = KeyRing({"gateway": [KEYS.public_jwk]})
SCOPES = sorted(frozenset[str]().union(*AUDIENCE_SCOPES.values()))

scope_sets = st.just(frozenset(SCOPES)) | st.frozensets(st.sampled_from(SCOPES))
hops = st.lists(
    st.tuples(
        st.sampled_from([*AGENTS, "agent:stranger"]),
        st.sampled_from([*AGENTS, *AGENTS, *sorted(AUDIENCES)]),
        st.none() | scope_sets,
        st.none() | scope_sets,  # what is allowed; None: what the house's own table says
        st.sampled_from([0.0, 0.5, 1.0, 40.25, 200.0]),
    ),
    max_size=8,
)


@given(first=st.sampled_from(AGENTS), held=scope_sets, seconds=st.just(300) | st.integers(1, 300), hops=hops)
def test_no_sequence_of_exchanges_widens_scope_or_life(
    first: str,
    held: frozenset[str],
    seconds: int,
    hops: list[tuple[str, str, frozenset[str] | None, frozenset[str] | None, float]],
) -> None:
    numbers, hand = count(), [NOON]

    def clock() -> datetime:
        return hand[-1]

    tokens = TokenAuthority("gateway", KEYS, clock, lambda: f"tok-{next(numbers)}")
    token = tokens.issue(person="person:sam", roles=["editor"], audience=first, scopes=held, seconds=seconds)
    before = TokenVerifier(RING, "gateway", first, clock).verify(token)
    for stranger_or_holder, audience, asked, table, passed in hops:
        actor = before.audience if stranger_or_holder in AGENTS and before.audience in AGENTS else stranger_or_holder
        allowed = agent_scopes(actor, audience) if table is None else table
        hand.append(clock() + timedelta(seconds=passed))
        try:
            token = tokens.exchange(token, actor, audience=audience, scopes=asked, allowed=allowed)
        except Problem:
            continue
        after = TokenVerifier(RING, "gateway", audience, clock).verify(token)
        assert after.scopes <= before.scopes & frozenset(allowed)
        assert after.scopes
        assert asked is None or after.scopes == asked
        assert after.expires <= before.expires
        assert clock() < after.expires <= clock() + timedelta(seconds=300)
        assert after.person == before.person
        assert after.roles == before.roles
        assert after.chain == (actor, *before.chain)
        assert len(after.chain) <= 4
        assert actor == before.audience
        before = after


@given(st.lists(st.tuples(st.sampled_from(AGENTS), st.sampled_from(sorted(AUDIENCES))), max_size=5))
def test_by_the_houses_own_table_no_way_of_delegating_ends_with_deciding_an_approval(
    way: list[tuple[str, str]],
) -> None:
    held = person_scopes(["editor", "approver", "planner", "rights-manager"], way[0][0] if way else AGENTS[0])
    for actor, audience in way:
        held &= agent_scopes(actor, audience)
    assert "approval:decide" not in held


names = st.text(max_size=20)
tasks = st.builds(
    TaskClaim,
    id=st.text(min_size=1, max_size=20),
    root=st.text(min_size=1, max_size=20),
    skill=names,
    tools=st.frozensets(names),
    policy=names,
    expires=st.datetimes(NOON.replace(tzinfo=None), timezones=st.just(UTC)),
)
callers = st.builds(
    Caller,
    person=st.sampled_from(["person:sam", "person:kim-2"]),
    chain=st.lists(st.sampled_from([*AGENTS, "agent:vendor-x"]), max_size=4).map(tuple),
    scopes=st.frozensets(st.sampled_from(SCOPES) | names),
    roles=st.frozensets(names),
    audience=names,
    token_id=names,
    stories=st.frozensets(st.from_regex(r"[a-z0-9][a-z0-9-]{0,59}", fullmatch=True)),
    factors=st.frozensets(names),
    level=st.integers(0, 300),
    task=st.none() | tasks,
    network=st.sampled_from(["", "10.0.0.7"]),
    expires=st.integers(-1, 400).map(lambda seconds: NOON + timedelta(seconds=seconds)),
).map(lambda each: each.model_copy(update={"agent": next(iter(each.chain), None)}))


@given(caller=callers)
def test_what_a_process_remembers_of_a_token_it_made_is_what_another_reads(caller: Caller) -> None:
    try:
        text, remembered = sign_token(KEYS, caller, "gateway", NOON)
    except Problem:
        return
    assert read_token(text, RING, "gateway", caller.audience, NOON) is remembered
    claims = open_jws(text, TOKEN_TYPE, RING, {"gateway"})
    assert _caller(claims, claims["exp"]) == remembered
