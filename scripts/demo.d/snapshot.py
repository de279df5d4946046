"""Writes a well-formed .tar.gz of about MEGABYTES MB to stdout, the same bytes every time, without keeping any of it.

Usage: snapshot.py MEGABYTES
"""

import random
import struct
import sys
import tarfile
import zlib

MB = 1 << 20


def main() -> None:
    size = int(sys.argv[1]) * MB
    block = random.Random(20260118).randbytes(MB)
    entry = tarfile.TarInfo("billing.dump")
    entry.size = size
    # Level 0 stores: the point is bytes on the wire, not their compression.
    gzip = zlib.compressobj(0, zlib.DEFLATED, 31)
    out = sys.stdout.buffer

    out.write(gzip.compress(entry.tobuf()))
    for index in range(size // MB):
        out.write(gzip.compress(struct.pack(">Q", index) + block[8:]))
    out.write(gzip.compress(bytes(1024)))
    out.write(gzip.flush())
    out.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        # The reader has seen enough; its own status says why.
        sys.stderr.close()
        sys.exit(1)
