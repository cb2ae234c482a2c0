"""What is told of one place of a file. Pure."""

from holdback_base.vocabulary import Noun


class Remark(Noun):
    """Something to tell a person about one place of a file.

    `place` is as they would find it: `Rights!C7`, `Avail[3]/Transaction[1]/Start`. `given` is what stands there.
    """

    place: str
    message: str
    hint: str = ""
    given: str = ""
