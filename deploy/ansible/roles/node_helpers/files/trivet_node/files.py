"""Files written whole or not at all."""

import grp
import json
import os
import pwd
import shutil
import tempfile


def ids(owner, group):
    return pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write(path, content, *, mode=0o644, owner="root", group="root"):
    """Makes the file hold `content` with these rights; returns whether anything was different."""
    uid, gid = ids(owner, group)
    data = content if isinstance(content, bytes) else content.encode()
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            same = (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (mode, uid, gid) and file.read() == data
        if same and not os.path.islink(path):
            return False
    except FileNotFoundError:
        pass
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def write_json(path, value, *, mode=0o600):
    return write(path, json.dumps(value, sort_keys=True) + "\n", mode=mode)


def read_json(path):
    text = read(path)
    return None if text is None else json.loads(text)


def remove(path):
    """Removes a file, link or tree; returns whether there was one."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
        return True
    try:
        os.unlink(path)
        return True
    except FileNotFoundError:
        return False


def directory(path, *, mode=0o755, owner="root", group="root"):
    """Makes the directory exist with these rights; its parent must exist."""
    uid, gid = ids(owner, group)
    try:
        os.mkdir(path, mode)
        changed = True
    except FileExistsError:
        changed = False
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        if (status.st_uid, status.st_gid) != (uid, gid):
            os.fchown(descriptor, uid, gid)
            changed = True
        if status.st_mode & 0o7777 != mode:
            os.fchmod(descriptor, mode)
            changed = True
    finally:
        os.close(descriptor)
    return changed


def link(path, target):
    """Points the symbolic link at `target` in one atomic step; returns whether it pointed elsewhere."""
    try:
        if os.readlink(path) == target:
            return False
    except (FileNotFoundError, OSError):
        pass
    temporary = f"{path}.new"
    remove(temporary)
    os.symlink(target, temporary)
    os.replace(temporary, path)
    return True
