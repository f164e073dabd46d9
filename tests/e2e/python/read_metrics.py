"""Prints what Prometheus' own parsers read on a metrics page, as JSON: the page in both formats."""

import json
import re
import sys
import urllib.request

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

OPENMETRICS = (
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def fetch(url, accept=None):
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def described(content_type, page, families):
    # The parser of the older format gives every counter the name that the newer one has for it.
    written = set(re.findall(r"^[a-zA-Z_:][a-zA-Z0-9_:]*", page, re.MULTILINE))
    return {
        "contentType": content_type,
        "types": {family.name: family.type for family in families},
        "samples": [
            {
                "name": sample.name
                if sample.name in written
                else sample.name.removesuffix("_total"),
                "labels": sample.labels,
                "value": repr(sample.value) if sample.value != sample.value else sample.value,
                "exemplar": sample.exemplar and sample.exemplar.labels,
            }
            for family in families
            for sample in family.samples
        ],
    }


url = sys.argv[1]
text_type, text = fetch(url)
open_type, open_text = fetch(url, OPENMETRICS)
print(
    json.dumps(
        {
            "text": described(text_type, text, list(text_string_to_metric_families(text))),
            "openmetrics": described(
                open_type, open_text, list(openmetrics.text_string_to_metric_families(open_text))
            ),
        }
    )
)
