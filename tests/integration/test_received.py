"""The strict reader refuses what a strict reader must refuse."""

import pytest

from received import Malformed, read, read_frames

HEAD = "<134>1 2026-01-01T00:00:00.123456Z customer1 alertrelay 1 alert - "
PAIRS = (
    "rt=1767225600000 externalId=a1 AlertrelayVersion=0123456789abcdef"
    " cs5=customer1 cs5Label=customer"
)
CEF = "CEF:0|Microsoft|Defender|1.0|class|A \\| name \\\\ = x|5|"
GOOD = HEAD + CEF + PAIRS
JSON = (
    '{"relay":"alertrelay","customer":"customer1","alertId":"a1",'
    '"version":"0123456789abcdef","alert":{"id":"a1"}}'
)
DATA = '[alertrelay@32473 customer="customer1" alertId="a1" version="0123456789abcdef"] '
GOOD_JSON = HEAD[:-2] + DATA + JSON


def test_good_messages_are_read():
    message = read((GOOD + " msg=C:\\\\x \\=1 | y\\n\u00fc filePath=/a b").encode())
    assert message.key == ("customer1", "a1", "0123456789abcdef")
    assert message.header[4] == "A | name \\ = x"
    assert message.fields["msg"] == "C:\\x =1 | y\n\u00fc" and message.fields["filePath"] == "/a b"
    assert (message.facility, message.severity, message.host) == (16, 6, "customer1")
    assert read(GOOD_JSON.encode()).alert == "a1"
    assert read(("<134>Jan  1 00:00:00 customer1 alertrelay: " + JSON).encode(), "rfc3164").alert
    assert read((CEF + PAIRS).encode(), "none").alert == "a1"
    assert read_frames(b"3 abc10 0123456789") == [b"abc", b"0123456789"]


@pytest.mark.parametrize(
    "line",
    [
        GOOD + " msg=a=b",  # forges the field a
        GOOD + " msg=a\\|b",
        GOOD + " msg=a\\tb",
        GOOD + " msg=a\tb",
        GOOD + " msg=a\x7fb",
        GOOD + " msg=a\\",
        GOOD + " msg=",
        GOOD + " msg=a ",
        GOOD + "  msg=a",
        GOOD + " msg=a msg=b",
        GOOD + " cs1=x",
        GOOD + " cs1Label=x",
        GOOD + " cs7=x cs7Label=y",
        GOOD + " src=::1",
        GOOD + " src=1.2.3.4:5",
        GOOD + " spt=65536",
        GOOD + " fsize=4294967296",
        GOOD + " end=2026-01-01T00:00:00Z",
        GOOD + " dvchost=" + "x" * 101,
        GOOD + " my_key=x",
        GOOD + " Foo=x",
        GOOD + " MicrosoftDefenderAlertId=other",
        GOOD.replace("<134>", "<192>"),
        GOOD.replace("<134>", "<034>"),
        GOOD.replace(".123456Z", ".1234567Z"),
        GOOD.replace(" customer1 ", "  "),
        GOOD.replace(" - CEF", " CEF"),
        GOOD.replace("CEF:0", "\ufeffCEF:0"),
        GOOD.replace("CEF:0", "CEF: 0"),
        GOOD.replace("|class|", "|cl=ass|"),
        GOOD.replace("|5|", "|11|"),
        GOOD.replace("|1.0|", "||"),
        GOOD.replace("A \\|", "A |"),
        GOOD.replace("0123456789abcdef", "1"),
        GOOD.replace(" cs5=customer1 cs5Label=customer", ""),
        GOOD_JSON.replace(DATA, "- "),
        GOOD_JSON.replace('customer="customer1"', 'customer="customer2"'),
        GOOD_JSON.replace('customer="customer1"', 'customer="a]b"'),
        GOOD_JSON.replace('customer="customer1"', 'customer="a\\b"'),
        GOOD_JSON.replace('"id":"a1"', '"id":"\\ud800"'),
        GOOD_JSON.replace('"id":"a1"', '"id":NaN'),
        GOOD_JSON.replace('"id":"a1"', '"id":1,"id":2'),
        GOOD_JSON + "}",
    ],
)
def test_a_wrong_message_is_refused(line):
    with pytest.raises(Malformed):
        read(line.encode())


def test_invalid_utf8_is_refused():
    with pytest.raises(Malformed):
        read(GOOD.encode() + b" msg=\xff")
