"""Problems as exceptions: everything the service says, and nothing the caller said."""

import logging
from collections.abc import Callable

import pytest

from roadbook_client import FieldError, Problem, Roadbook

from .conftest import Line, answer, intent, problem


async def test_faults_of_a_request_are_named(roadbook: Roadbook) -> None:
    with pytest.raises(Problem) as raised:
        await roadbook.lead.capture_lead({"source": "NOT A CODE"})
    told = raised.value
    assert (told.status, told.code, told.title, told.retryable) == (422, "invalid_request", "Invalid request", False)
    assert [error.pointer for error in told.errors] == ["/source"]
    assert isinstance(told.errors[0], FieldError)
    assert "NOT A CODE" not in repr(told) + str(told) + str(told.errors)


async def test_what_only_one_problem_has_is_kept(roadbook: Roadbook) -> None:
    taken = await roadbook.lead.capture_lead({"source": "web", "person": {"name": "张伟"}})
    with pytest.raises(Problem) as raised:
        await roadbook.lead.qualify_lead(taken["lead"], {"grade": "hot", "reasons": ["test_drive"]})
    assert raised.value.code == "profile_incomplete"
    assert raised.value.extra == {"missing": ["contact_point"]}


async def test_the_trace_is_kept(roadbook: Roadbook, line: Line) -> None:
    body = {"code": "internal_error", "title": "Internal error", "status": 500, "trace_id": "ab" * 16, "detail": "Oh."}
    line.steps = [answer(500, body)]
    with pytest.raises(Problem, match=r"^500 internal_error: Oh\.$") as raised:
        await roadbook.lead.list_leads()
    assert raised.value.trace_id == "ab" * 16


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"<html>Bad</html>"), (400, b"{"), (404, b""), (302, b""), (418, {"no": "code"})],
)
async def test_an_answer_of_somebody_else_is_a_problem_too(
    roadbook: Roadbook, line: Line, status: int, body: object
) -> None:
    line.steps = [answer(status, body, Location="http://elsewhere.test/")]
    with pytest.raises(Problem) as raised:
        await roadbook.lead.list_leads()
    assert (raised.value.status, raised.value.code) == (status, "unexpected_answer")
    assert len(line.requests) == 1


async def test_an_answer_of_success_that_is_not_json(roadbook: Roadbook, line: Line) -> None:
    line.steps = [answer(200, b"<html>Log in</html>")]
    with pytest.raises(Problem, match="not JSON"):
        await roadbook.lead.list_leads()


async def test_nothing_of_a_request_is_written_down(
    connect: Callable[..., Roadbook], line: Line, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    line.steps = [problem(503, "unavailable", True)]
    roadbook = connect(token="secret-token")
    with pytest.raises(Problem):
        await roadbook.lead.capture_lead(intent(person={"name": "Zhang Secret"}))
    out, err = capfd.readouterr()
    written = caplog.text + out + err
    assert "secret-token" not in written
    assert "Zhang" not in written
