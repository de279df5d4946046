"""The node's object store client: signatures against published vectors, transfers against the S3 double."""

import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import helpers
from trivet_node import store
from trivet_node.errors import StepFailed
from trivet_node.store import Store


class SignatureTests(unittest.TestCase):
    def test_signatures_match_the_vectors(self):
        vectors = json.loads((helpers.ROOT / "Tests/vectors/sigv4.json").read_text(encoding="utf-8"))
        checked = 0
        for vector in vectors["vectors"]:
            if vector.get("presigned_seconds") is not None:
                continue
            time = vector["time"].replace("-", "").replace(":", "")
            headers = [*vector["headers"]]
            payload = hashlib.sha256(vector["body"].encode()).hexdigest()
            headers += [["x-amz-content-sha256", payload], ["x-amz-date", time]]
            _, _, found = store.signature(vectors["secret_key"], vector["region"], time, vector["method"], store.quote(vector["path"], "/"),
                                          vector["query"], headers, payload)
            self.assertEqual(found, vector["signature"], vector["path"])
            checked += 1
        self.assertGreater(checked, 0)


class StoreTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = subprocess.Popen(
            [sys.executable, helpers.ROOT / "Tests/doubles/s3_double.py", "--port", "0", "--access-key", "key", "--secret-key", "secret", "--exit-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.address = cls.double.stdout.readline().split()[-1]
        cls.store = Store(cls.address, "us-east-1", "key", "secret")

    @classmethod
    def tearDownClass(cls):
        cls.double.stdin.close()
        cls.double.wait()
        cls.double.stdout.close()

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name, "f")
        self.content = random.randbytes(3_000_000)
        self.path.write_bytes(self.content)
        self.sha256 = hashlib.sha256(self.content).hexdigest()

    def fault(self, **fault):
        body = json.dumps(fault).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/_control/faults", data=body, method="POST")).close()
        self.addCleanup(lambda: urllib.request.urlopen(urllib.request.Request(f"{self.address}/_control/faults", method="DELETE")).close())

    def test_an_object_goes_up_is_read_back_comes_down_and_is_deleted(self):
        url = "s3://backups/a b/ü+&%.tar.gz"
        self.store.upload(url, self.path, self.sha256)
        self.assertTrue(self.store.has(url))
        self.assertEqual(self.store.read_back(url), (self.sha256, len(self.content)))
        self.assertEqual(self.store.download(url, f"{self.path}.back", 1 << 30), self.sha256)
        self.assertTrue(self.store.delete(url))
        self.assertFalse(self.store.delete(url))
        self.assertFalse(self.store.has(url))

    def test_an_object_that_is_larger_than_allowed_is_not_taken(self):
        self.store.upload("s3://backups/large", self.path, self.sha256)
        with self.assertRaisesRegex(StepFailed, "larger than 1000 bytes"):
            self.store.download("s3://backups/large", f"{self.path}.back", 1000)

    def test_a_wrong_key_is_refused_in_words(self):
        with self.assertRaisesRegex(StepFailed, "answered 403"):
            Store(self.address, "us-east-1", "key", "wrong").upload("s3://backups/x", self.path, self.sha256)

    def test_answers_that_end_early_are_noticed(self):
        self.store.upload("s3://backups/cut", self.path, self.sha256)
        for kind in ("short", "reset"):
            with self.subTest(kind=kind):
                self.fault(key="backups/cut", kind=kind, after=1000, times=1)
                with self.assertRaises(StepFailed):
                    self.store.read_back("s3://backups/cut")

    def test_a_store_that_is_away_is_said_to_be_away(self):
        with self.assertRaisesRegex(StepFailed, "did not answer"):
            Store("http://127.0.0.1:1", "", "key", "secret").has("s3://backups/x")

    def test_addresses_that_are_none_are_refused(self):
        for url in ("http://x/y", "s3://UPPER/x", "s3://b/", "s3://../x", "s3://backups"):
            with self.subTest(url=url), self.assertRaises(StepFailed):
                self.store.has(url)

    def test_users_passwords_and_queries_are_not_shown(self):
        self.assertEqual(store.shown("https://user:secret@host.test/a?token=1"), "https://host.test/a")


if __name__ == "__main__":
    unittest.main()
