"""Refusals of the token endpoint, in OAuth's words and the house's."""

from holdback_base.problem import Problem


class OAuthError(Exception):
    """An error of RFC 6749 5.2 or RFC 8693 2.2.2; `problem` says it in the house's codes, for who understands them."""

    def __init__(self, code: str, description: str, problem: Problem | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.problem = problem

    @property
    def status(self) -> int:
        """401 for a client that did not prove who it is, else 400."""
        return 401 if self.code == "invalid_client" else 400

    def as_dict(self) -> dict[str, str]:
        """The error response's body."""
        shape = {"error": self.code, "error_description": self.description}
        if self.problem is not None:
            shape |= {"code": self.problem.code, "message": self.problem.message, "hint": self.problem.hint}
        return shape
