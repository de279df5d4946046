"""python3 -m unittest discover deploy/ansible/tests: what an archive from elsewhere may hold, and what is refused."""

import io
import os
import random
import tarfile
import tempfile
import unittest

import helpers  # noqa: F401
from trivet_node.archive import Limits, unpack
from trivet_node.errors import StepFailed


class ArchiveTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "a.tar.gz")
        self.out = os.path.join(self.directory.name, "out")

    def pack(self, *members):
        with tarfile.open(self.path, "w:gz") as tar:
            for name, kind, value in members:
                member = tarfile.TarInfo(name)
                member.type = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE,
                               "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE}[kind]
                if kind == "file":
                    member.size = len(value)
                    tar.addfile(member, io.BytesIO(value))
                else:
                    member.linkname = value or ""
                    tar.addfile(member)

    def refused(self, words, limits=Limits()):
        with self.assertRaises(StepFailed) as caught:
            unpack(self.path, self.out, limits)
        self.assertIn(words, str(caught.exception))
        self.assertFalse(os.path.exists(self.out), "a refused archive leaves nothing")
        self.assertEqual(os.listdir(self.directory.name), ["a.tar.gz"])

    def test_files_directories_and_links_within_the_tree_are_unpacked(self):
        self.pack(("./a/", "dir", None), ("./a/b.txt", "file", b"x" * 3000), ("c/d", "link", "../a/b.txt"), ("e", "link", "a"))
        unpack(self.path, self.out)
        with open(f"{self.out}/c/d", "rb") as file:
            self.assertEqual(file.read(), b"x" * 3000)
        self.assertEqual(os.listdir(f"{self.out}/e"), ["b.txt"])

    def test_one_leading_directory_is_left_out_on_request(self):
        self.pack(("top", "dir", None), ("top/x", "file", b"1"))
        unpack(self.path, self.out, strip=1)
        self.assertEqual(os.listdir(self.out), ["x"])

    def test_paths_that_leave_the_tree_are_refused(self):
        for name, words in (("/etc/passwd", "absolute"), ("../x", "parent step"), ("a/../../x", "parent step"), ("a/..", "parent step"),
                            ("a\x01b", "control"), ("a\\b", "control"), ("x" * 2000, "too long"), ("/".join("d" * 70), "deeper")):
            with self.subTest(name=name[:20]):
                self.pack((name, "file", b"x"))
                self.refused(words)

    def test_links_that_leave_the_tree_are_refused(self):
        for name, target in (("l", "/etc"), ("l", "../x"), ("a/l", "../../x"), ("l", "a/../../x"), ("l", "."), ("l", ""), ("l", "a/./../b"), ("l", "//x")):
            with self.subTest(target=target):
                self.pack((name, "link", target))
                self.refused("leaves the archive")

    def test_nothing_is_written_through_a_link(self):
        self.pack(("l", "link", "a"), ("l/x", "file", b"x"))
        self.refused("twice")

    def test_links_to_links_stay_inside(self):
        self.pack(("a/b", "dir", None), ("l", "link", "a/b"), ("m", "link", "l"), ("n", "link", "m/../../.."))
        self.refused("leaves the archive")

    def test_other_kinds_of_member_are_refused(self):
        for kind in ("hard", "device", "pipe"):
            with self.subTest(kind=kind):
                self.pack(("x", kind, "y"))
                self.refused("neither a file")

    def test_a_name_that_comes_twice_is_refused(self):
        self.pack(("x", "file", b"1"), ("x", "file", b"2"))
        self.refused("twice")

    def test_bombs_are_refused_by_count_by_size_and_by_ratio(self):
        self.pack(*((f"f{n}", "file", b"") for n in range(20)))
        self.refused("more than 10 members", Limits(members=10))
        self.pack(("x", "file", bytes(3 << 20)))
        self.refused("more than 1048576 bytes", Limits(unpacked_bytes=1 << 20))
        self.refused("more than 100 times", Limits(ratio_from=1 << 20))
        self.refused("larger than 100 bytes", Limits(packed_bytes=100))

    def test_a_header_that_claims_more_than_there_is_is_refused(self):
        member = tarfile.TarInfo("x")
        member.size = 1 << 40
        import gzip
        with gzip.open(self.path, "wb") as file:
            file.write(member.tobuf() + bytes(10000))
        self.refused("damaged")

    def test_damage_anywhere_is_refused_or_harmless(self):
        seed = random.randrange(1 << 32)
        print("seed", seed)
        dice = random.Random(seed)
        self.pack(("a/b", "file", dice.randbytes(5000)), ("l", "link", "a/b"))
        with open(self.path, "rb") as file:
            good = file.read()
        for _ in range(300):
            bad = bytearray(good)
            bad[dice.randrange(len(bad))] ^= 1 << dice.randrange(8)
            with open(self.path, "wb") as file:
                file.write(bad[:dice.choice([len(bad), dice.randrange(len(bad))])])
            try:
                unpack(self.path, self.out)
                for directory, _, names in os.walk(self.out):
                    for name in names:
                        self.assertTrue(os.path.realpath(os.path.join(directory, name)).startswith(os.path.realpath(self.out)))
                import shutil
                shutil.rmtree(self.out)
            except StepFailed:
                self.assertFalse(os.path.exists(self.out))


if __name__ == "__main__":
    unittest.main()
