"""Writes a snapshot's tree into a folder: bytes, names, modes, times, links, sparseness, xattrs (TREE-3)."""

import os
import stat

import objects
import trees

HOLE = 4096


class Restore:
    """`problems` collects what could not be set; it is reported, not fatal."""

    def __init__(self, contents):
        self.contents, self.problems, self.links = contents, [], {}

    def run(self, root, target):
        """Restores the children of `root` (entry fields) into `target`, which must be new or empty."""
        target = os.fsencode(target)
        os.makedirs(target, exist_ok=True)
        if os.listdir(target):
            raise FileExistsError(f"{os.fsdecode(target)} is not empty")
        self._folder(root, target)

    def _folder(self, fields, path):
        """Children first, then the folder's own times and mode, which writing children would change."""
        for entry in trees.children(self.contents, fields[1]):
            self._entry(entry, os.path.join(path, entry.name))
        self._metadata(fields, path)

    def _entry(self, entry, path):
        fields = entry.fields
        group = fields.get(15)
        if group in self.links and entry.kind != trees.FOLDER:
            os.link(self.links[group], path, follow_symlinks=False)
            return
        if entry.kind == trees.FOLDER:
            os.mkdir(path, 0o700)
            self._folder(fields, path)
            return
        if self._create(entry, path):
            self._metadata(fields, path)
            if group is not None:
                self.links[group] = path

    def _create(self, entry, path):
        fields, kind = entry.fields, entry.kind
        if kind == trees.FILE and 1 in fields:
            self._file(fields, path)
        elif kind == trees.SYMLINK:
            os.symlink(fields[1], path)
        elif kind == trees.FIFO:
            os.mkfifo(path, 0o600)
        elif kind in (trees.CHAR_DEVICE, trees.BLOCK_DEVICE):
            form = stat.S_IFCHR if kind == trees.CHAR_DEVICE else stat.S_IFBLK
            return self._try("device", path, os.mknod, path, 0o600 | form, os.makedev(*fields[1]))
        else:
            self.problems.append((path, "nothing to restore"))
            return False
        return True

    def _file(self, fields, path):
        with open(path, "xb") as file:
            for piece in objects.stream(self.contents, objects.check_reference(fields[1])):
                if fields.get(16):
                    _write_sparse(file, piece)
                else:
                    file.write(piece)
            file.truncate()

    def _metadata(self, fields, path):
        link = stat.S_ISLNK(os.lstat(path).st_mode)
        if os.geteuid() == 0 and 8 in fields and 9 in fields:
            self._try("owner", path, os.chown, path, fields[8], fields[9], follow_symlinks=False)
        for name, value in fields.get(14, []):
            self._try("xattr", path, os.setxattr, path, name, value, follow_symlinks=False)
        if 7 in fields and not link:
            self._try("mode", path, os.chmod, path, fields[7])
        if 4 in fields:
            self._try("mtime", path, os.utime, path, ns=(fields[4], fields[4]), follow_symlinks=False)

    def _try(self, what, path, call, *args, **named):
        try:
            call(*args, **named)
            return True
        except OSError as error:
            self.problems.append((path, f"{what}: {error.strerror}"))
            return False


def _write_sparse(file, piece):
    """Leaves runs of zeros as holes."""
    for start in range(0, len(piece), HOLE):
        part = piece[start:start + HOLE]
        if any(part):
            file.write(part)
        else:
            file.seek(len(part), os.SEEK_CUR)
