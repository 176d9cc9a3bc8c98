#!/usr/bin/env python3
"""Turns the conformance cases of the CEL specification into the JSON files beside this script.

    convert.py <checkout of github.com/google/cel-spec> [name ...]

Reads tests/simple/testdata/<name>.textproto and writes <name>.json: the same cases, the same names, nothing left out.
Licence of the cases: Apache-2.0, see README.md.
"""
import base64
import json
import pathlib
import re
import sys

NAMES = """basic comparisons conversions fields fp_math integer_math lists logic macros namespace parse plumbing string
timestamps type_deduction""".split()

TOKEN = re.compile(r"""\s+|\#[^\n]*|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<mark>[{}\[\]:,;<>])"""
                   r"""|(?P<word>[^\s{}\[\]:,;<>"'#]+)""")
ESCAPES = {"n": 10, "r": 13, "t": 9, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, "'": 39, '"': 34, "?": 63}


def unquote(token):
    """The bytes of a quoted string of a textproto."""
    text, out, at = token[1:-1], bytearray(), 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
            continue
        kind = text[at + 1]
        if kind in "01234567":
            digits = re.match(r"[0-7]{1,3}", text[at + 1:]).group()
            out.append(int(digits, 8))
            at += 1 + len(digits)
        elif kind in "xX":
            digits = re.match(r"[0-9a-fA-F]{1,2}", text[at + 2:]).group()
            out.append(int(digits, 16))
            at += 2 + len(digits)
        elif kind in "uU":
            length = 4 if kind == "u" else 8
            out += chr(int(text[at + 2:at + 2 + length], 16)).encode()
            at += 2 + length
        else:
            out.append(ESCAPES[kind])
            at += 2
    return bytes(out)


class Reader:
    """A textproto as lists of (field, value)."""

    def __init__(self, text):
        self.tokens = [m for m in TOKEN.finditer(text) if m.lastgroup]
        self.at = 0

    def peek(self):
        return self.tokens[self.at].group() if self.at < len(self.tokens) else None

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1].group()

    def message(self, end):
        fields = []
        while self.peek() not in (end, None):
            if self.peek() in (",", ";"):
                self.take()
                continue
            name = self.take()
            if name == "[":
                name = ""
                while self.peek() != "]":
                    name += self.take()
                self.take()
            if self.peek() == ":":
                self.take()
            if self.peek() == "[":
                self.take()
                while self.peek() != "]":
                    fields.append((name, self.value()))
                    if self.peek() == ",":
                        self.take()
                self.take()
            else:
                fields.append((name, self.value()))
        if end:
            self.take()
        return fields

    def value(self):
        if self.peek() == "{":
            self.take()
            return self.message("}")
        if self.peek() == "<":
            self.take()
            return self.message(">")
        if self.tokens[self.at].lastgroup != "text":
            return self.take()
        out = b""
        while self.at < len(self.tokens) and self.tokens[self.at].lastgroup == "text":
            out += unquote(self.take())
        return out


def every(fields, name):
    return [value for field, value in fields if field == name]


def first(fields, name, unstated=None):
    return next(iter(every(fields, name)), unstated)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def read_value(fields):
    """A cel.expr.Value."""
    kind, value = fields[0]
    if kind in ("int64_value", "uint64_value", "double_value"):
        return {kind[:-len("64_value")] if "64" in kind else "double": str(int(value, 0)) if "64" in kind else value}
    if kind == "bool_value":
        return {"bool": value == "true"}
    if kind == "null_value":
        return {"null": True}
    if kind == "string_value":
        return {"string": text(value)}
    if kind == "bytes_value":
        return {"bytes": base64.b64encode(value).decode()}
    if kind == "type_value":
        return {"type": text(value)}
    if kind == "list_value":
        return {"list": [read_value(item) for item in every(value, "values")]}
    if kind == "map_value":
        return {"map": [[read_value(first(entry, "key")), read_value(first(entry, "value"))]
                        for entry in every(value, "entries")]}
    if kind == "enum_value":
        return {"enum": text(first(value, "type"))}
    name, inner = value[0]
    well_known = name.rpartition(".")[2].lower()
    if well_known in ("duration", "timestamp"):
        return {well_known: [int(first(inner, "seconds", "0")), int(first(inner, "nanos", "0"))]}
    return {"message": name}


PRIMITIVES = {"BOOL": "bool", "INT64": "int", "UINT64": "uint", "DOUBLE": "double", "STRING": "string",
              "BYTES": "bytes"}
WELL_KNOWN = {"TIMESTAMP": "google.protobuf.Timestamp", "DURATION": "google.protobuf.Duration",
              "ANY": "google.protobuf.Any"}


def read_type(fields):
    """A cel.expr.Type, as the specification writes types."""
    if not fields:
        return "dyn"
    kind, value = fields[0]
    if kind == "primitive":
        return PRIMITIVES[value]
    if kind == "wrapper":
        return "wrapper(" + PRIMITIVES[value] + ")"
    if kind == "well_known":
        return WELL_KNOWN[value]
    if kind == "null":
        return "null_type"
    if kind == "list_type":
        return "list(" + read_type(first(value, "elem_type", [])) + ")"
    if kind == "map_type":
        key, item = first(value, "key_type", []), first(value, "value_type", [])
        return "map(" + read_type(key) + ", " + read_type(item) + ")"
    if kind == "message_type":
        return text(value)
    if kind == "type":
        return "type(" + read_type(value) + ")"
    return kind


def read_case(section, test):
    case = {"name": section + "/" + text(first(test, "name")), "expr": text(first(test, "expr"))}
    if first(test, "disable_check") == "true":
        case["check"] = False
    if first(test, "check_only") == "true":
        case["checkOnly"] = True
    if first(test, "container"):
        case["container"] = text(first(test, "container"))
    declared = {text(first(one, "name")): read_type(first(first(one, "ident"), "type", []))
                for one in every(test, "type_env") if first(one, "ident")}
    if declared:
        case["types"] = declared
    if any(first(one, "function") for one in every(test, "type_env")):
        case["declaresFunctions"] = True
    bound = {text(first(one, "key")): read_value(first(first(one, "value"), "value"))
             for one in every(test, "bindings")}
    if bound:
        case["bindings"] = bound
    typed = first(test, "typed_result", [])
    if first(typed, "deduced_type"):
        case["type"] = read_type(first(typed, "deduced_type"))
    value = first(test, "value") or first(typed, "result")
    if first(test, "eval_error") is not None or first(test, "any_eval_errors") is not None:
        case["fails"] = True
    elif value:
        case["value"] = read_value(value)
    elif not case.get("checkOnly"):
        # The conformance runner takes a case without a result for one that gives true.
        case["value"] = {"bool": True}
    return case


def main():
    source = pathlib.Path(sys.argv[1]) / "tests/simple/testdata"
    for name in sys.argv[2:] or NAMES:
        file = Reader((source / (name + ".textproto")).read_text()).message(None)
        cases = [read_case(text(first(section, "name")), test)
                 for section in every(file, "section") for test in every(section, "test")]
        lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
        target = pathlib.Path(__file__).parent / (name + ".json")
        target.write_text("[\n" + lines + "\n]\n")
        print(name, len(cases))


if __name__ == "__main__":
    main()
