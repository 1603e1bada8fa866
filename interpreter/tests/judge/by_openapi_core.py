"""Judges requests by openapi-core.

    by_openapi_core.py DOCUMENT < requests > verdicts

A request is a line of JSON: `{"method", "target", "headers": [[name, value]], "body": base64 or null}`. The verdict is a line of JSON, too: a
list of `{"code", "place", "message"}`, empty where the request is accepted.
"""

import base64
import json
import sys
from urllib.parse import parse_qsl, unquote

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict


class Loader(yaml.CSafeLoader):
    """YAML as JSON has it: dates are texts."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}

HOST = "http://judge.test"


class Request:
    host_url = HOST

    def __init__(self, line):
        raw = json.loads(line)
        path, _, query = raw["target"].partition("?")
        self.path = path
        self.method = raw["method"].lower()
        self.body = None if raw["body"] is None else base64.b64decode(raw["body"])
        headers = Headers(raw["headers"])
        self.content_type = headers.get("content-type", "application/octet-stream")
        cookies = [pair.strip().partition("=") for pair in headers.get("cookie", "").split(";") if pair.strip()]
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(query, keep_blank_values=True)),
            header=headers,
            cookie=ImmutableMultiDict([(name, unquote(value)) for name, _, value in cookies]),
        )


def without_servers(document):
    """The document at one host, for requests have no host yet."""
    document["servers"] = [{"url": HOST}]
    for item in document.get("paths", {}).values():
        for part in [item, *(part for part in item.values() if isinstance(part, dict))]:
            part.pop("servers", None)
    return document


def json_types(part):
    """The media types of JSON that it has to be told of: it reads `application/json` alone by itself."""
    if isinstance(part, list):
        return {name for item in part for name in json_types(item)}
    if not isinstance(part, dict):
        return set()
    content = part.get("content")
    own = {name for name in content if name == "*/*" or name.endswith("+json")} if isinstance(content, dict) else set()
    return own | {name for item in part.values() for name in json_types(item)}


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def objections(error):
    names = [e for e in chain(error)]
    place = next((f"{e.location}.{e.name}" for e in names if hasattr(e, "location") and hasattr(e, "name")), None)
    place = place or ("body" if "Body" in type(error).__name__ else type(error).__name__)
    schema_errors = [e for wrapped in names for e in getattr(wrapped, "schema_errors", [])]
    for e in schema_errors:
        yield {"code": e.validator, "place": ".".join([place, *map(str, e.absolute_path)]), "message": e.message[:300]}
    if not schema_errors:
        yield {"code": type(names[-1]).__name__, "place": place, "message": str(names[-1])[:300]}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = without_servers(yaml.load(file, Loader))
    readers = dict.fromkeys(json_types(document), json.loads)
    api = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None, extra_media_type_deserializers=readers))
    for line in sys.stdin:
        try:
            verdict = [found for error in api.iter_request_errors(Request(line)) for found in objections(error)]
        except Exception as error:  # A judge that fails has not accepted.
            verdict = [{"code": "crash", "place": type(error).__name__, "message": str(error)[:300]}]
        print(json.dumps(verdict), flush=True)


main()
