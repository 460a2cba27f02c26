"""What schemathesis must know of this API: its scalars, and which answers are the server's fault."""

import datetime
import os

import schemathesis
from graphql import StringValueNode
from hypothesis import strategies as st

# The sandbox's clock starts here, and the catalogue's departures lie in the months after it.
TODAY = datetime.date(2024, 12, 1)
SEASON = TODAY + datetime.timedelta(days=60)
HOURS = datetime.timedelta(hours=1)

# The one code of the closed list that says that we are to blame.
SERVER_FAULT = "INTERNAL"


def text(value):
    return StringValueNode(value=str(value))


def instant(day, hour):
    return f"{datetime.datetime.combine(day, datetime.time()) + hour * HOURS:%Y-%m-%dT%H:%M:%SZ}"


def mostly(usual, seldom):
    """One strategy nine of ten times, another one at the tenth. Small numbers are drawn most, so that the last is seldom."""
    return st.integers(0, 9).flatmap(lambda drawn: seldom if drawn == 9 else usual)


days = mostly(st.dates(TODAY, SEASON), st.dates())
instants = mostly(st.builds(instant, days, st.integers(0, 23)), st.datetimes().map(lambda at: at.isoformat() + "Z"))
# Places in the log exist, do not exist yet, or are no places.
positions = mostly(st.integers(0, 40), st.integers(0, 2**63 - 1) | st.text(max_size=8))
currencies = mostly(st.sampled_from(["GBP", "EUR", "KRW", "KWD"]), st.text("ABCXYZ", min_size=3, max_size=3))

schemathesis.graphql.scalar("Date", mostly(days.map(str), st.text(max_size=12)).map(text))
schemathesis.graphql.scalar("DateTime", mostly(instants, st.text(max_size=24)).map(text))
schemathesis.graphql.scalar("Position", positions.map(text))
schemathesis.graphql.scalar("CurrencyCode", currencies.map(text))


def refusals(data):
    """The codes in the payloads of writes, where they were asked for."""
    payloads = [payload for payload in (data or {}).values() if isinstance(payload, dict)]
    listed = [error for payload in payloads for error in payload.get("errors") or [] if isinstance(error, dict)]
    return [error["code"] for error in listed if isinstance(error.get("code"), str)]


def tell(codes):
    """Whoever reads the verdict sees by these how far the search came."""
    with open(os.environ["FUZZ_CODES"], "a", encoding="ascii") as told:
        told.write(" ".join(codes) + "\n")


@schemathesis.check
def no_server_fault(ctx, response, case):
    """Nothing that is sent makes the server fail: no 5xx, no INTERNAL, always a GraphQL answer in JSON."""
    answer = response.json()
    assert isinstance(answer, dict) and ("data" in answer or "errors" in answer), f"no GraphQL answer: {answer!r}"
    codes = [error.get("extensions", {}).get("code") for error in answer.get("errors", [])]
    assert all(codes), f"an error without a code: {answer!r}"
    assert SERVER_FAULT not in codes, f"the server's own fault: {answer!r}"
    assert response.status_code < 500, f"status {response.status_code}: {answer!r}"
    tell(codes + refusals(answer.get("data")) or ["none"])
