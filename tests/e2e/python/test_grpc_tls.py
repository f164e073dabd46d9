"""Triton's gRPC client over TLS and mutual TLS, while the servers' certificates are renewed."""

import os
import shutil
import ssl
import time
from pathlib import Path

import numpy as np
import tritonclient.grpc as triton

from refusals import refused
from simple_model import FIRST, simple_inputs

FOLDER = Path(os.environ["NEREID_CERTIFICATES"])
TLS = os.environ["NEREID_TLS_URL"]
MUTUAL = os.environ["NEREID_MUTUAL_TLS_URL"]
WAIT_SECS_MAX = 20


def connect(url, authority="first", client=None):
    """A client that trusts an authority and shows, where it has one, a certificate of its own."""
    own = FOLDER / (client or "")
    return triton.InferenceServerClient(
        url,
        ssl=True,
        root_certificates=str(FOLDER / authority / "ca.pem"),
        private_key=str(own / "client.key") if client else None,
        certificate_chain=str(own / "client.pem") if client else None,
        # Without this all channels with the same credentials share one connection.
        channel_args=[("grpc.use_local_subchannel_pool", 1)],
    )


def infer(client):
    total = client.infer("simple", simple_inputs(triton, second=FIRST)).as_numpy("OUTPUT0")
    np.testing.assert_array_equal(total, 2 * FIRST)


def assert_refused(client):
    refused(lambda: client.is_server_live(client_timeout=5))


def install(authority):
    """As a renewal does it: each file takes the place of the old one."""
    for name, file in [("server.pem", "cert"), ("server.key", "key"), ("ca.pem", "root")]:
        new = FOLDER / "live" / "new"
        shutil.copyfile(FOLDER / authority / name, new)
        new.rename(FOLDER / "live" / f"{file}.pem")


def wait_for_certificate(url, authority):
    """Until new connections are shown the certificate of that authority."""
    host, port = url.split(":")
    wanted = ssl.PEM_cert_to_DER_cert((FOLDER / authority / "server.pem").read_text())
    deadline = time.monotonic() + WAIT_SECS_MAX
    while time.monotonic() < deadline:
        # Mutual TLS shows the server's certificate before it asks for the client's.
        shown = ssl.get_server_certificate((host, int(port)))
        if ssl.PEM_cert_to_DER_cert(shown) == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} never showed the certificate of '{authority}'")


def test_tls():
    with connect(TLS) as client:
        infer(client)
    with connect(TLS, authority="second") as stranger:
        assert_refused(stranger)
    with triton.InferenceServerClient(TLS) as plain:
        assert_refused(plain)


def test_mutual_tls():
    with connect(MUTUAL, client="first") as client:
        infer(client)
    with connect(MUTUAL) as anonymous:
        assert_refused(anonymous)
    with connect(MUTUAL, client="second") as stranger:
        assert_refused(stranger)
    with connect(MUTUAL, authority="second", client="first") as mistrusting:
        assert_refused(mistrusting)


def test_renewal():
    with connect(TLS) as old, connect(MUTUAL, client="first") as old_mutual:
        infer(old)
        infer(old_mutual)
        install("second")
        for url in (TLS, MUTUAL):
            wait_for_certificate(url, "second")
        # Connections live on, with what they were made with.
        infer(old)
        infer(old_mutual)
    with connect(TLS) as late:
        assert_refused(late)
    with connect(MUTUAL, authority="second", client="first") as of_the_old_authority:
        assert_refused(of_the_old_authority)
    with connect(MUTUAL, authority="second", client="second") as client:
        infer(client)


def test_a_broken_certificate_is_not_taken():
    """Goes last: what it leaves behind is looked for in the servers' logs."""
    (FOLDER / "live" / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nhalf")
    # The server looks every second.
    end = time.monotonic() + 4.5
    while time.monotonic() < end:
        with connect(MUTUAL, authority="second", client="second") as client:
            infer(client)
    with connect(TLS, authority="second") as client:
        infer(client)
