from pathlib import Path

from holdback.announcing import addresses, no_role, nobody, not_let_in
from holdback_servers.settings import AgentSetting, OidcSetting, PersonSetting, Settings, StorySetting

SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))
STORY = StorySetting(
    people=frozenset({"person:sam", "person:local", "person:alx", "person:loader"}),
    agents=frozenset({"agent:compliance", "agent:complaince"}),
)


def test_agents_from_outside_are_told_with_their_address(tmp_path: Path) -> None:
    lines = list(addresses("http://127.0.0.1:8700", Settings(home=tmp_path), [SAM], ["channel-guide"]))
    assert "  agent     http://127.0.0.1:8700/agents/compliance" in lines
    assert "  agent     http://127.0.0.1:8700/agents/channel-guide (from outside)" in lines


def test_the_cure_for_an_agent_that_is_not_let_in_is_for_this_home(tmp_path: Path) -> None:
    [line] = not_let_in({"compliance": ["nobody let it in"]}, tmp_path)
    assert line.endswith(f"holdback agents admit compliance --home {tmp_path}")


def test_a_name_in_a_closed_story_that_nobody_has_is_told(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, stories={"ruling": STORY})
    lines = list(nobody(settings, [SAM.id], ["agent:compliance"]))
    assert [line.split()[1] for line in lines] == ["agent:complaince,", "person:alx,"]
    assert all("the story ruling" in line and str(tmp_path / "holdback.toml") in line for line in lines)


def test_the_level_of_an_agent_that_is_not_here_is_told(tmp_path: Path) -> None:
    levels = {"complaince": AgentSetting(level=100), "compliance": AgentSetting(level=300)}
    [line] = nobody(Settings(home=tmp_path, agents=levels), [SAM.id], ["agent:compliance"])
    assert line.startswith("  NOBODY      agent:complaince, whose level")
    assert line.endswith(f"Correct agents.complaince in {tmp_path / 'holdback.toml'}")


def test_where_an_issuer_says_who_somebody_is_any_person_may_come(tmp_path: Path) -> None:
    oidc = OidcSetting(issuer="https://issuer.example", client_id="holdback")
    settings = Settings(home=tmp_path, stories={"ruling": STORY}, oidc=oidc)
    [line] = nobody(settings, [SAM.id], ["agent:compliance"])
    assert "agent:complaince" in line


def test_a_role_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    zoe = PersonSetting(id="person:zoe", name="Zoe", roles=frozenset({"approver", "editr"}))
    [line] = no_role([SAM, zoe], tmp_path)
    assert line.startswith("  NO ROLE     editr of person:zoe.")
    assert "editor" in line
