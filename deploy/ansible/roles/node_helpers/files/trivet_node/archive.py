"""Archives from elsewhere: unpacked in one pass into a directory of their own, with every limit checked on the way.

Refused: absolute paths, parent steps, names with control characters, hard links, devices, sparse files, symbolic links
that leave the tree, two members of one name, more members or bytes than allowed, and more than a hundredfold unpacking.
Links are made last, so that no member is ever written through one.
"""

import dataclasses
import gzip
import os
import re
import shutil
import tarfile
import zlib

from .errors import StepFailed

LINK_TARGET = re.compile(r"(?:\.\./)*(?:[^/.][^/]*|\.[^/.][^/]*|\.\.[^/]+)(?:/(?:[^/.][^/]*|\.[^/.][^/]*|\.\.[^/]+))*/?")
PIECE_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Limits:
    packed_bytes: int = 4 << 30
    unpacked_bytes: int = 16 << 30
    members: int = 300_000
    # Only looked at beyond `ratio_from` bytes: small text packs well.
    ratio: int = 100
    ratio_from: int = 64 << 20
    path_bytes: int = 1024
    depth: int = 64


class _Counted:
    """Reads the unpacked stream and stops when it grows past what the packed size allows."""

    def __init__(self, packed, source, limits):
        self.packed, self.source, self.limits, self.count = packed, source, limits, 0

    def read(self, size=-1):
        piece = self.source.read(min(size, PIECE_BYTES) if size >= 0 else PIECE_BYTES)
        self.count += len(piece)
        if self.count > self.limits.unpacked_bytes:
            raise StepFailed(f"The archive unpacks to more than {self.limits.unpacked_bytes} bytes.")
        if self.count > self.limits.ratio_from and self.count > self.limits.ratio * max(1, self.packed.tell()):
            raise StepFailed(f"The archive unpacks to more than {self.limits.ratio} times its size.")
        return piece


def unpack(path, destination, limits=Limits(), *, strip=0):
    """Unpacks a tar.gz into `destination`, which must not exist. On failure nothing is left."""
    os.mkdir(destination, 0o700)
    try:
        with open(path, "rb") as packed:
            if os.fstat(packed.fileno()).st_size > limits.packed_bytes:
                raise StepFailed(f"The archive is larger than {limits.packed_bytes} bytes.")
            try:
                stream = _Counted(packed, gzip.GzipFile(fileobj=packed), limits)
                with tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as archive:
                    _members(archive, destination, limits, strip)
            except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as failure:
                raise StepFailed(f"This is no gzip-compressed tar archive, or it is damaged: {failure}") from None
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise


def _members(archive, root, limits, strip):
    links, count = [], 0
    for member in archive:
        count += 1
        if count > limits.members:
            raise StepFailed(f"The archive has more than {limits.members} members.")
        parts = _parts(member.name, limits)[strip:]
        if not parts:
            if member.isdir() or strip:
                continue
            raise StepFailed(f"The archive has a member with the name {member.name!r}.")
        target = os.path.join(root, *parts)
        if member.isdir():
            os.makedirs(target, mode=0o755, exist_ok=True)
        elif member.issym():
            depth = len(re.match(r"(?:\.\./)*", member.linkname).group(0)) // 3
            if not LINK_TARGET.fullmatch(member.linkname) or depth >= len(parts):
                raise StepFailed(f"The archive's link {member.name} leaves the archive: {member.linkname}")
            links.append((target, member.linkname))
        elif member.isreg() and not member.issparse():
            _file(archive.extractfile(member), target, member.name)
        else:
            raise StepFailed(f"The archive's member {member.name} is neither a file nor a directory nor a symbolic link.")
    for target, name in links:
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        try:
            os.symlink(name, target)
        except FileExistsError:
            raise StepFailed(f"The archive has {os.path.relpath(target, root)} twice.") from None
    for target, _ in links:
        if os.path.commonpath([root, os.path.realpath(target)]) != os.path.realpath(root):
            raise StepFailed(f"The archive's link {os.path.relpath(target, root)} leaves the archive.")


def _parts(name, limits):
    if name.startswith("/"):
        raise StepFailed(f"The archive's member {name!r} has an absolute path.")
    if len(name.encode("utf-8", "surrogateescape")) > limits.path_bytes or any(ord(c) < 32 or ord(c) == 127 for c in name) or "\\" in name:
        raise StepFailed(f"The archive has a member with a name that is too long or holds control characters: {name[:80]!r}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise StepFailed(f"The archive's member {name!r} has a parent step.")
    if len(parts) > limits.depth:
        raise StepFailed(f"The archive's member {name[:80]!r} lies deeper than {limits.depth} directories.")
    return parts


def _file(source, target, name):
    try:
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        with open(target, "xb") as out:
            shutil.copyfileobj(source, out, PIECE_BYTES)
    except (FileExistsError, NotADirectoryError):
        raise StepFailed(f"The archive has {name} twice.") from None
