"""Reads what a collector received, strictly, and compares it with what the vendor had.

Written from the grammars (RFC 5424, RFC 3164 with RFC 6587, CEF document version 27, LEEF 2.0, RFC
8259) and sharing nothing with the connector, so that it can judge it. Anything that a strict reader would
refuse raises Malformed.

    messages = read_all(collector.lines())
    compare(simulator, messages).check()
"""

import collections
import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field

ENTERPRISE = "32473"
FORBIDDEN = re.compile("[\u0000-\u001f\u007f]")


class Malformed(ValueError):
    """A message that a strict reader refuses."""


def need(condition, what, text=""):
    if not condition:
        raise Malformed(f"{what}: {text!r}" if text else what)


@dataclass
class Message:
    """One received message; fields are those of CEF or LEEF, or the members of the JSON object."""

    facility: int = -1
    severity: int = -1
    time: str = ""
    host: str = ""
    app: str = ""
    process: str = ""
    kind: str = ""
    data: dict = field(default_factory=dict)
    body: str = ""
    format: str = ""
    header: list = field(default_factory=list)
    fields: dict = field(default_factory=dict)
    customer: str = ""
    tenant: str = ""
    alert: str = ""
    version: str = ""
    number: int = 0  # of count messages about one alert; 0: it is one message
    count: int = 0
    raw: bytes = b""

    @property
    def key(self):
        return self.customer, self.alert, self.version


# RFC 5424 and RFC 3164.

PRI = re.compile(r"<(0|[1-9][0-9]{0,2})>")
TIME_5424 = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    r"(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)
TIME_3164 = re.compile(
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?: [1-9]|[12]\d|3[01])"
    r" (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d "
)
SD_NAME = r"[!#-<>-\\^-~]{1,32}"
SD_PARAM = re.compile(rf' ({SD_NAME})="((?:[^"\\\]]|\\["\\\]])*)"')
SD_ID = re.compile(rf"\[({SD_NAME})")


def read_priority(text, message):
    match = PRI.match(text)
    need(match and int(match[1]) <= 191, "no priority", text[:40])
    message.facility, message.severity = divmod(int(match[1]), 8)
    return text[match.end() :]


def read_data(text):
    """Structured data; gives it and the rest."""
    if text.startswith("-"):
        return {}, text[1:]
    elements = {}
    while text.startswith("["):
        match = SD_ID.match(text)
        need(match, "no SD-ID", text[:60])
        name, text = match[1], text[match.end() :]
        need(name not in elements, "SD-ID twice", name)
        parameters = {}
        while match := SD_PARAM.match(text):
            need(match[1] not in parameters, "SD-PARAM twice", match[1])
            need(not FORBIDDEN.search(match[2]), "control character", match[2])
            parameters[match[1]] = re.sub(r'\\(["\\\]])', r"\1", match[2])
            text = text[match.end() :]
        need(text.startswith("]"), "structured data does not end", text[:80])
        elements[name], text = parameters, text[1:]
    need(elements, "no structured data", text[:60])
    return elements, text


def read_5424(text, bom=False):
    message = Message()
    text = read_priority(text, message)
    parts = text.split(" ", 6)
    need(len(parts) == 7, "header too short", text[:80])
    version, message.time, message.host, message.app, message.process, message.kind, rest = parts
    need(version == "1", "VERSION", version)
    need(message.time == "-" or TIME_5424.fullmatch(message.time), "TIMESTAMP", message.time)
    for value, size in ((message.host, 255), (message.app, 48), (message.process, 128), (message.kind, 32)):
        need(re.fullmatch(r"[!-~]{1,%d}" % size, value), "header field", value)
    message.data, rest = read_data(rest)
    need(rest.startswith(" "), "no space before MSG", rest[:40])
    message.body = rest[1:]
    need(message.body.startswith("\ufeff") == bom, "BOM", message.body[:10])
    message.body = message.body[1:] if bom else message.body
    return message


def read_3164(text, tag="alertrelay"):
    message = Message()
    text = read_priority(text, message)
    match = TIME_3164.match(text)
    need(match, "TIMESTAMP", text[:40])
    message.time = match[0][:-1]
    message.host, _, rest = text[match.end() :].partition(" ")
    need(re.fullmatch(r"[!-9;-~]{1,255}", message.host), "HOSTNAME", message.host)
    if tag:
        need(re.match(re.escape(tag) + r"(?:\[\d+\])?: ", rest), "TAG", rest[:40])
        message.app, _, rest = rest.partition(": ")
    message.body = rest
    return message


def read_number(message, number, count):
    """Both or none: which of how many messages about one alert this is."""
    need((number is None) == (count is None), "a number without a count")
    if number is not None:
        message.number, message.count = int(number), int(count)
        need(1 <= message.number <= message.count <= 1000, "number", f"{number} of {count}")


# CEF.

HEADER_SIZES = (63, 63, 31, 1023, 512)
INTEGER, LONG, IPV4, IPV6, MAC, TIME, PORT = "int", "long", "IPv4", "IPv6", "MAC", "time", "port"
# Keys of the dictionary that a producer may set, with type or most characters.
DICTIONARY = {
    "act": 63, "app": 31, "cat": 1023, "cnt": INTEGER, "destinationDnsDomain": 255,
    "destinationServiceName": 1023, "deviceDirection": INTEGER, "deviceDnsDomain": 255,
    "deviceExternalId": 255, "deviceFacility": 1023, "deviceNtDomain": 255,
    "deviceProcessName": 1023, "dhost": 1023, "dmac": MAC, "dntdom": 255, "dpid": INTEGER,
    "dpriv": 1023, "dproc": 1023, "dpt": PORT, "dst": IPV4, "dtz": 255, "duid": 1023,
    "duser": 1023, "dvc": IPV4, "dvchost": 100, "dvcmac": MAC, "dvcpid": INTEGER, "end": TIME,
    "externalId": 40, "fileCreateTime": TIME, "fileHash": 255, "fileId": 1023,
    "fileModificationTime": TIME, "filePath": 1023, "filePermission": 1023, "fileType": 1023,
    "fname": 1023, "fsize": INTEGER, "in": LONG, "msg": 1023, "oldFileHash": 255,
    "oldFileName": 1023, "oldFilePath": 1023, "out": LONG, "outcome": 63, "proto": 31,
    "reason": 1023, "request": 1023, "requestClientApplication": 1023, "requestContext": 2048,
    "requestCookies": 1023, "requestMethod": 1023, "rt": TIME, "shost": 1023, "smac": MAC,
    "sntdom": 255, "sourceDnsDomain": 255, "sourceServiceName": 1023, "spid": INTEGER,
    "spriv": 1023, "sproc": 1023, "spt": PORT, "src": IPV4, "start": TIME, "suid": 1023,
    "suser": 1023, "type": INTEGER,
}
# Keys that mean something only together with KEYLabel: most characters of the label.
LABELLED = {}
for stem, numbers, kind, label in (
    ("cs", 6, 4000, 1023),
    ("cn", 3, LONG, 1023),
    ("c6a", 4, IPV6, 1023),
    ("deviceCustomDate", 2, TIME, 1023),
    ("flexString", 2, 1023, 128),
    ("flexNumber", 2, LONG, 128),
):
    for number in range(1, numbers + 1):
        DICTIONARY[f"{stem}{number}"] = kind
        LABELLED[f"{stem}{number}"] = label
OWN_KEY = re.compile(r"(?:MicrosoftDefender|Alertrelay)[A-Z][A-Za-z0-9]*")


def read_escapes(text, legal):
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\":
            need(i + 1 < len(text) and text[i + 1] in legal, "escape", text[i : i + 2])
            out.append(legal[text[i + 1]])
            i += 2
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def check_type(key, kind, value):
    if isinstance(kind, int):
        need(len(value) <= kind, f"{key} is longer than {kind} characters", value)
    elif kind in (INTEGER, LONG, PORT):
        bits = 31 if kind == INTEGER else 63
        need(re.fullmatch(r"-?(?:0|[1-9]\d*)", value), f"{key} is no number", value)
        need(-(2**bits) <= int(value) < 2**bits, f"{key} is out of range", value)
        need(kind != PORT or 0 <= int(value) <= 65535, f"{key} is no port", value)
    elif kind == TIME:
        need(re.fullmatch(r"\d{11,15}", value), f"{key} is no time in ms", value)
    elif kind == MAC:
        need(re.fullmatch(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", value), f"{key} is no MAC", value)
    else:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            raise Malformed(f"{key} is no address: {value!r}") from None
        need(address.version == (4 if kind == IPV4 else 6), f"{key} is no {kind}", value)


def read_pairs(text):
    """key=value pairs as a strict reader finds them: a key is the word before an unescaped =."""
    pairs, key, start = {}, None, 0
    raw = {}
    for match in re.finditer(r"\\.|=", text, re.DOTALL):
        if match[0] != "=":
            continue
        before = text[start : match.start()]
        value, space, word = before.rpartition(" ")
        if key is None:
            need(not space, "text before the first key", before)
        else:
            need(space, "an = that is not escaped", before[-40:])
            need(key not in raw, "key twice", key)
            raw[key] = value
        need(re.fullmatch(r"[A-Za-z0-9]+", word), "key", word)
        key, start = word, match.end()
    if key is not None:
        need(key not in raw, "key twice", key)
        raw[key] = text[start:]
    else:
        need(not text, "no pairs", text[:40])
    for key, value in raw.items():
        need(value and value == value.strip(" "), f"{key} is empty or not trimmed", value)
        pairs[key] = read_escapes(value, {"\\": "\\", "=": "=", "n": "\n", "r": "\r"})
    return pairs


def read_cef(message):
    text = message.body
    need(text.startswith("CEF:0|"), "CEF:0", text[:20])
    parts = re.match(r"((?:\\.|[^\\|])*)\|" * 6 + r"(.*)", text[6:], re.DOTALL)
    need(parts, "CEF header", text[:200])
    header = [read_escapes(part, {"\\": "\\", "|": "|"}) for part in parts.groups()[:6]]
    for value, size in zip(header, HEADER_SIZES):
        need(value and len(value) <= size, "CEF header field", value)
    need(not re.search(r"[=%#|\\]", header[3]), "class id", header[3])
    need(re.fullmatch(r"[0-9]|10", header[5]), "CEF severity", header[5])
    message.header = header
    message.fields = pairs = read_pairs(parts[7])
    for key, value in pairs.items():
        if key in DICTIONARY:
            check_type(key, DICTIONARY[key], value)
            need(key not in LABELLED or key + "Label" in pairs, "no label", key)
        elif key.endswith("Label") and key[:-5] in LABELLED:
            need(key[:-5] in pairs, "a label without its value", key)
            need(len(value) <= LABELLED[key[:-5]], "label too long", value)
        else:
            need(OWN_KEY.fullmatch(key), "unknown key", key)
    need(pairs.get("cs5Label") == "customer", "no customer")
    message.customer = pairs["cs5"]
    message.tenant = pairs.get("MicrosoftDefenderTenantId", "")
    ids = [pairs[k] for k in ("externalId", "MicrosoftDefenderAlertId") if k in pairs]
    need(ids and len(set(ids)) == 1, "alert id", repr(ids))
    message.alert = ids[0]
    message.version = pairs.get("AlertrelayVersion", "")
    read_number(message, pairs.get("AlertrelayEventNumber"), pairs.get("AlertrelayEventCount"))


# LEEF.

SEVERITY, KEYWORD, ADDRESS, EPOCH = "1-10", "keyword", "address", "13 digits"
# Predefined attributes that this sender may set, with type or most characters.
ATTRIBUTES = {
    "cat": 1023, "devTime": EPOCH, "domain": 255, "dst": ADDRESS, "dstPort": PORT,
    "identHostName": 255, "identSrc": ADDRESS, "proto": KEYWORD, "resource": 1023,
    "sev": SEVERITY, "src": ADDRESS, "srcPort": PORT, "url": 4000, "usrName": 255,
}
# What else is predefined must not be taken for a key of one's own.
OTHERS = {
    "accountName", "calCountryOrRegion", "calLanguage", "devTimeFormat", "dstBytes", "dstMAC",
    "dstPackets", "dstPostNAT", "dstPostNATPort", "dstPreNAT", "dstPreNATPort", "groupID",
    "identGrpName", "identMAC", "identNetBios", "identSecondlp", "isLoginEvent", "isLogoutEvent",
    "policy", "realm", "role", "srcBytes", "srcMAC", "srcPackets", "srcPostNAT", "srcPostNATPort",
    "srcPreNAT", "srcPreNATPort", "totalPackets", "vSrc", "vSrcName",
}


def check_attribute(key, value):
    kind = ATTRIBUTES.get(key, 4000)
    if kind == SEVERITY:
        need(re.fullmatch(r"[1-9]|10", value), "sev", value)
    elif kind == EPOCH:
        need(re.fullmatch(r"[1-9]\d{12}", value), f"{key} is no time in ms", value)
    elif kind == KEYWORD:
        need(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value), f"{key} is no keyword", value)
    elif kind == ADDRESS:
        check_type(key, IPV6 if ":" in value else IPV4, value)
    else:
        check_type(key, kind, value)


def read_leef(message):
    start = re.match(r"LEEF:(?:1\.0|(2\.0))\|", message.body)
    need(start, "LEEF:1.0 or 2.0", message.body[:20])
    count = 5 if start[1] else 4
    *header, text = message.body[start.end() :].split("|", count)
    need(len(header) == count, "LEEF header", message.body[:200])
    for value, size in zip(header, (63, 63, 31, 255)):
        need(value and value == value.strip(" ") and len(value) <= size, "LEEF header field", value)
        need(not FORBIDDEN.search(value), "control character", value)
    delimiter = header[4] if start[1] else "x09"
    if len(delimiter) != 1:
        need(re.fullmatch(r"0?x[0-9A-Fa-f]{1,4}", delimiter), "LEEF delimiter", delimiter)
        delimiter = chr(int(delimiter.split("x")[1], 16))
    message.header = header
    for attribute in text.split(delimiter):
        key, equals, value = attribute.partition("=")
        need(equals, "LEEF attribute", attribute)
        need(re.fullmatch(r"[a-z][A-Za-z0-9]*", key) and key not in OTHERS, "key", key)
        need(key not in message.fields, "key twice", key)
        need(value and value == value.strip(" "), f"{key} is empty or not trimmed", value)
        need(not FORBIDDEN.search(value), "control character", value)
        check_attribute(key, value)
        message.fields[key] = value
    need("sev" in message.fields, "no sev")
    need("identSrc" in message.fields or "identHostName" not in message.fields, "no identSrc")
    message.customer = message.fields.get("customer", "")
    message.tenant = message.fields.get("tenantId", "")
    message.alert = message.fields.get("alertId", "")
    message.version = message.fields.get("alertVersion", "")
    read_number(message, message.fields.get("eventNumber"), message.fields.get("eventCount"))


# JSON.


def once(pairs):
    names = [name for name, _ in pairs]
    need(len(set(names)) == len(names), "member twice", repr(sorted(names)))
    return dict(pairs)


def refuse(constant):
    raise Malformed("not JSON: " + constant)


def read_object(message):
    """The body as one object: strict JSON, no member twice, Unicode."""
    try:
        fields = json.loads(message.body, object_pairs_hook=once, parse_constant=refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Malformed(f"JSON: {error}: {message.body[:200]!r}") from None
    need(isinstance(fields, dict), "no JSON object")
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Malformed(f"not Unicode: {error}") from None
    return fields


def read_json(message):
    message.body = message.body.removeprefix("@cee: ")
    fields = read_object(message)
    need(fields.get("relay") == "alertrelay", "relay")
    need(isinstance(fields.get("alert"), dict), "no alert")
    message.fields = fields
    message.customer = fields.get("customer", "")
    message.tenant = fields.get("tenantId", "")
    message.alert = fields.get("alertId", "")
    message.version = fields.get("version", "")
    read_number(message, fields.get("eventNumber"), fields.get("eventCount"))
    if message.data:
        data = message.data.get("alertrelay@" + ENTERPRISE, {})
        need(data.get("customer") == message.customer, "customer in the structured data")
        need(data.get("tenantId", "") == message.tenant, "tenant in the structured data")
        cut = len(message.alert) > 1023 and message.alert[:1000] or None
        shown = data.get("alertId", "")
        need(shown[:1000] == cut if cut else shown == message.alert, "alert id in the structured data")
        need(data.get("version") == message.version, "version in the structured data")
        need(data.get("eventNumber", "0") == str(message.number), "number in the structured data")
        need(data.get("eventCount", "0") == str(message.count), "count in the structured data")


def read_relay(message, relay):
    """alertrelay.* of a document of its own."""
    message.customer = relay.get("customer", "")
    message.tenant = relay.get("tenant_id", "")
    message.alert = relay.get("alert_id", "")
    message.version = relay.get("version", "")


ECS_CATEGORIES = set(
    "api authentication configuration database driver email file host iam intrusion_detection library"
    " malware network package process registry session threat vulnerability web".split()
)
ECS_TYPES = set(
    "access admin allowed change connection creation deletion denied device end error group indicator"
    " info installation protocol start user".split()
)
ECS_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def read_ecs(message):
    message.fields = fields = read_object(message)
    event = fields["event"]
    need(ECS_TIME.fullmatch(fields["@timestamp"]), "@timestamp", fields["@timestamp"])
    need(fields["ecs"] == {"version": "8.17.0"}, "ecs.version")
    need(event["kind"] == "alert", "event.kind", event["kind"])
    need(event["category"] and set(event["category"]) <= ECS_CATEGORIES, "event.category", event["category"])
    need(event["type"] and set(event["type"]) <= ECS_TYPES, "event.type", event["type"])
    need(event["severity"] in range(5), "event.severity", event["severity"])
    host = fields.get("host", {}).get("name", "")
    need(not re.search("[A-Z]", host), "host.name", host)
    for address in fields.get("related", {}).get("ip", []) + fields.get("host", {}).get("ip", []):
        need(str(ipaddress.ip_address(address)) == address, "address", address)
    read_relay(message, fields["alertrelay"])
    need(event["id"] == message.alert, "event.id", event["id"])
    need(fields["organization"]["id"] == message.customer, "organization.id")


# Attributes of OCSF 1.5.0: what an object that is this member must hold, all of the first, one of the others.
OCSF_OBJECTS = {
    "device": ({"type_id"}, {"hostname", "uid", "ip", "name"}),
    "file": ({"name", "type_id"}, None),
    "user": (set(), {"name", "uid"}),
    "process": (set(), {"pid", "uid"}),
    "parent_process": (set(), {"pid", "uid"}),
    "src_endpoint": (set(), {"ip"}),
    "dst_endpoint": (set(), {"ip"}),
    "os": ({"name", "type_id"}, None),
    "email": (set(), {"from", "to"}),
    "connection_info": ({"direction_id"}, None),
    "query": ({"hostname"}, None),
    "url": ({"url_string"}, None),
    "hashes": ({"algorithm_id", "value"}, None),
    "observables": ({"name", "type_id"}, None),
    "malware": ({"classification_ids"}, {"name", "uid"}),
    "analytic": ({"type_id"}, {"name", "uid"}),
    "attacks": (set(), {"tactic", "technique", "sub_technique"}),
    "account": (set(), {"name", "uid"}),
    "org": (set(), {"name", "uid"}),
    "resources": (set(), {"name", "uid"}),
    "groups": (set(), {"name", "uid"}),
    "remediation": ({"desc"}, None),
    "evidences": ({"data"}, None),
}
OCSF_INTEGERS = re.compile(r"(?:\w+_)?(?:id|time)|class_uid|category_uid|type_uid|pid|port|size|risk_score")
OCSF_ADDRESSES = {"ip", "x_originating_ip"}


def walk_ocsf(name, value, shed):
    if isinstance(value, list):
        need(value or shed, "an empty list", name)
        for item in value:
            walk_ocsf(name, item, shed)
        return
    if not isinstance(value, dict):
        if name == "original_time":
            need(ECS_TIME.fullmatch(value), name, value)
        elif OCSF_INTEGERS.fullmatch(name):
            need(isinstance(value, int) and 0 <= value < 2**53, name, repr(value))
        elif name in OCSF_ADDRESSES:
            need(str(ipaddress.ip_address(value)) == value, name, value)
        return
    every, some = OCSF_OBJECTS.get(name, (set(), None))
    need(every <= value.keys() and (some is None or some & value.keys()), "OCSF object " + name, repr(value))
    for member, inner in value.items():
        if member not in ("data", "unmapped"):
            walk_ocsf(member, inner, shed)


def read_ocsf(message):
    message.fields = fields = read_object(message)
    need(fields["class_uid"] == 2004 and fields["category_uid"] == 2, "class")
    need(fields["activity_id"] in range(4), "activity_id", fields["activity_id"])
    need(fields["type_uid"] == 200400 + fields["activity_id"], "type_uid", fields["type_uid"])
    need(fields["severity_id"] in range(5), "severity_id", fields["severity_id"])
    need(fields["status_id"] in (0, 1, 2, 3, 4, 5, 99), "status_id", fields["status_id"])
    need(isinstance(fields["time"], int), "time", fields["time"])
    need(fields["metadata"]["version"] == "1.5.0", "metadata.version")
    need({"name", "vendor_name"} <= fields["metadata"]["product"].keys(), "product")
    relay = fields["unmapped"]["alertrelay"]
    walk_ocsf("", fields, "evidence_omitted" in relay)
    read_relay(message, relay)
    need(fields["finding_info"]["uid"] == message.alert, "finding_info.uid")
    need(fields["cloud"]["org"]["uid"] == message.customer, "cloud.org.uid")


# All together.


def read(line, header="rfc5424", tag="alertrelay", bom=False, structured=True, plain=False):
    """One raw line, without its frame, as a Message. plain: JSON is of the format json."""
    try:
        text = line.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error}") from None
    if header == "rfc5424":
        message = read_5424(text, bom)
    elif header == "rfc3164":
        message = read_3164(text, tag)
    else:
        message = Message(body=text)
    message.raw = line
    # The delimiter of LEEF may be a TAB; read_leef() looks at what is between them.
    strict = text[: -len(message.body)] if message.body.startswith("LEEF:") else text
    control = FORBIDDEN.search(strict)
    need(not control, "control character", strict[max(0, control.start() - 40) : control.end()] if control else "")
    if message.body.startswith('{"@timestamp":'):
        message.format = "ecs"
        read_ecs(message)
    elif message.body.startswith('{"class_uid":'):
        message.format = "ocsf"
        read_ocsf(message)
    elif plain or message.body.startswith("@cee: "):
        message.format = "json"
        need(not message.data, "structured data")
        read_json(message)
    elif message.body.startswith("{"):
        message.format = "rfc5424-json"
        need(header != "rfc5424" or not structured or message.data, "no structured data")
        read_json(message)
    elif message.body.startswith("LEEF:"):
        message.format = "leef"
        read_leef(message)
    else:
        message.format = "cef"
        read_cef(message)
    need(message.customer, "no customer")
    need(message.alert, "no alert id")
    need(re.fullmatch(r"[0-9a-f]{16}", message.version), "version", message.version)
    return message


def read_all(lines, cut=False, known=None, **options):
    """cut: some may be cut, and are passed over. Without counted octets a relay or a collector that is
    killed may leave a part of a message, which comes again as a whole.
    known: line -> message, of earlier calls with the same options."""
    messages = []
    known = {} if known is None else known
    for line in lines:
        try:
            if line not in known:
                known[line] = read(line, **options)
            messages.append(known[line])
        except Malformed as error:
            if cut:
                continue
            raise AssertionError(f"{error}: in {line!r}") from None
    return messages


def read_frames(octets):
    """Octet-counted messages (RFC 6587 section 3.4.1)."""
    messages = []
    while octets:
        match = re.match(rb"([1-9][0-9]*) ", octets)
        assert match, octets[:80]
        size = int(match[1])
        octets = octets[match.end() :]
        assert len(octets) >= size, "the last frame is cut"
        messages.append(octets[:size])
        octets = octets[size:]
    return messages


# What the vendor had.

POLICY_MEMBERS = ("status", "severity", "classification", "determination", "assignedTo")


def status_version(alert):
    """The version of the policy "status": a digest of the members that count, each with its length."""
    digest = hashlib.sha256()
    for name in POLICY_MEMBERS:
        value = alert.get(name)
        value = value.encode() if isinstance(value, str) else b""
        digest.update(len(value).to_bytes(8, "big") + value)
    return digest.hexdigest()[:16]


def truth(simulator, tenants=None):
    """(customer, id) -> versions, oldest first, each once where it follows itself."""
    alerts = {}
    for tenant in tenants if tenants is not None else all_tenants(simulator):
        for alert in simulator.versions(tenant):
            versions = [status_version(v) for v in alert["versions"]]
            alerts[f"customer{tenant}", alert["id"]] = [
                v for i, v in enumerate(versions) if i == 0 or v != versions[i - 1]
            ]
    return alerts


def all_tenants(simulator):
    return [tenant["n"] for tenant in simulator.control("GET", "tenants")]


@dataclass
class Comparison:
    lost: list
    repeated: dict
    unexpected: list
    received: int

    @property
    def clean(self):
        return not (self.lost or self.repeated or self.unexpected)

    def check(self):
        def some(things):
            return f"{len(things)}: {list(things)[:5]}" if things else "0"

        assert self.clean, (
            f"received {self.received}, lost {some(self.lost)},"
            f" repeated {some(self.repeated)}, unexpected {some(self.unexpected)}"
        )
        return self


def compare(simulator, messages, tenants=None):
    """What the vendor has now must have been received, in its present version, exactly once.

    An older version may have been received too, if it was there at some time. A version that came
    back (new, resolved, new) may be received again. tenants limits what must be there; what belongs
    to others is unexpected."""
    had = truth(simulator, tenants)
    counts = collections.Counter(m.key for m in messages)
    lost = [k for k, versions in had.items() if not counts[(*k, versions[-1])]]
    repeated, unexpected = {}, []
    for key, count in counts.items():
        possible = had.get(key[:2], []).count(key[2])
        if not possible:
            unexpected.append(key)
        elif count > possible:
            repeated[key] = count - possible
    return Comparison(lost, repeated, unexpected, len(messages))
