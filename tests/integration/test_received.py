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

LEEF = HEAD + "LEEF:2.0|Microsoft|Defender|1.0|class|^|"
ATTRIBUTES = "devTime=1767225600000^sev=5^alertId=a1^alertVersion=0123456789abcdef^customer=customer1"
GOOD_LEEF = LEEF + ATTRIBUTES


def test_good_messages_are_read():
    message = read((GOOD + " msg=C:\\\\x \\=1 | y\\n\u00fc filePath=/a b").encode())
    assert message.key == ("customer1", "a1", "0123456789abcdef")
    assert message.header[4] == "A | name \\ = x"
    assert message.fields["msg"] == "C:\\x =1 | y\n\u00fc" and message.fields["filePath"] == "/a b"
    assert (message.facility, message.severity, message.host) == (16, 6, "customer1")
    assert read(GOOD_JSON.encode()).alert == "a1"
    assert read(("<134>Jan  1 00:00:00 customer1 alertrelay: " + JSON).encode(), "rfc3164").alert
    assert read((CEF + PAIRS).encode(), "none").alert == "a1"
    leef = read((GOOD_LEEF + "^x=C:\\a=b|c^src=2001:db8::1").encode())
    assert leef.key == ("customer1", "a1", "0123456789abcdef") and leef.format == "leef"
    assert leef.fields["x"] == "C:\\a=b|c"
    tabs = ATTRIBUTES.replace("^", "\t") + "\tx=a^b"
    for start in (LEEF.replace("^", "x09"), LEEF.replace("^", "0x9"), LEEF.replace("2.0", "1.0")[:-2]):
        assert read((start + tabs).encode()).fields["x"] == "a^b"
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
        GOOD_LEEF + "^",
        GOOD_LEEF + "^x",
        GOOD_LEEF + "^x=",
        GOOD_LEEF + "^x= a",
        GOOD_LEEF + "^x=a ",
        GOOD_LEEF + "^x=a\tb",
        GOOD_LEEF + "^x=a^x=b",
        GOOD_LEEF + "^x_y=a",
        GOOD_LEEF + "^srcMAC=aa:bb:cc:dd:ee:ff",
        GOOD_LEEF + "^src=host",
        GOOD_LEEF + "^src=1.2.3.4:5",
        GOOD_LEEF + "^srcPort=65536",
        GOOD_LEEF + "^proto=tcp over dns",
        GOOD_LEEF + "^usrName=" + "x" * 256,
        GOOD_LEEF + "^identHostName=pc",
        GOOD_LEEF.replace("sev=5", "sev=0"),
        GOOD_LEEF.replace("sev=5", "sev=11"),
        GOOD_LEEF.replace("sev=5^", ""),
        GOOD_LEEF.replace("1767225600000", "1767225600"),
        GOOD_LEEF.replace("|class|", "||"),
        GOOD_LEEF.replace("|class|", "|" + "x" * 256 + "|"),
        GOOD_LEEF.replace("|class|", "|a\tb|"),
        GOOD_LEEF.replace("|^|", "|"),
        GOOD_LEEF.replace("|^|", "||"),
        GOOD_LEEF.replace("|^|", "|x5Ez|"),
        GOOD_LEEF.replace("2.0", "2.1"),
    ],
)
def test_a_wrong_message_is_refused(line):
    with pytest.raises(Malformed):
        read(line.encode())


def test_invalid_utf8_is_refused():
    with pytest.raises(Malformed):
        read(GOOD.encode() + b" msg=\xff")
