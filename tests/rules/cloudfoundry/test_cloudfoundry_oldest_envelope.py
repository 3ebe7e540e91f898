"""Asking the platform for the oldest thing it remembers of a source."""

import pytest
import responses

from opsportal.adapters.cloudfoundry import BadAnswer, Foundation, NotFound
from tests.support.platform_wire import LOGS

READ = f"{LOGS}/api/v1/read/a1"


@pytest.mark.parametrize(
    ("batch", "moment"),
    [
        ([{"timestamp": "1795411726438067114", "gauge": {"metrics": {}}}], 1795411726438067114),
        ([{"timestamp": "never"}], None),
        ([], None),
    ],
)
def test_the_oldest_envelope_of_any_type_says_what_is_still_remembered(
    wire: responses.RequestsMock, cf: Foundation, batch: list[object], moment: int | None
) -> None:
    wire.get(READ, json={"envelopes": {"batch": batch}})
    assert cf.oldest_envelope("a1") == moment
    query = str(wire.calls[-1].request.url).partition("?")[2]
    assert query == "start_time=-6795364578871345152&limit=1&descending=false"


def test_a_source_that_may_not_be_read_has_no_oldest_envelope(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.get(READ, status=404, body="not found")
    with pytest.raises(NotFound):
        cf.oldest_envelope("a1")


def test_an_answer_of_another_shape_is_no_answer(wire: responses.RequestsMock, cf: Foundation) -> None:
    wire.get(READ, json={"envelopes": []})
    with pytest.raises(BadAnswer):
        cf.oldest_envelope("a1")
