"""System calls that fail, one at a time: the backup says so, and the next one is whole."""

import unittest

from place import Place

# What publishes a file, and what makes it last.
CALLS = {
    "fsync": ["fsync,fdatasync", ["EIO"]],
    "publish": ["link,linkat,rename,renameat,renameat2", ["EIO", "ENOSPC", "EROFS", "EACCES"]],
    "make": ["mkdir,mkdirat,ftruncate,fallocate", ["EIO", "ENOSPC"]],
}
WHEN = [1, 2, 3, 5, 8, 13]


class FailingCalls(unittest.TestCase):
    def test_every_call_may_fail(self):
        failed = {kind: 0 for kind in CALLS}
        with Place(self) as place:
            for kind, (calls, errors) in CALLS.items():
                for error in errors:
                    for when in WHEN:
                        with self.subTest(kind=kind, error=error, when=when):
                            failed[kind] += self.one(place, f"{kind} {error} {when}", calls, error, when)
            place.verify()
        print(f"  backups that failed as they had to: {failed}")
        self.assertTrue(all(failed.values()), failed)

    def one(self, place, name, calls, error, when):
        source = place.source(name, 2_000_000, name)
        # From that call on: a disk that fails goes on failing.
        inject = f"inject={calls}:error={error}:when={when}+"
        trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject]
        code, _, errors = place.run("snapshot", "create", source, under=trace)
        if code == 0:
            return 0
        self.assertEqual(code, 1, errors)
        self.assertEqual(errors[-1]["message_type"], "exit_error")
        self.assertTrue(errors[-1]["message"], errors)
        place.corso("snapshot", "create", source)
        return 1


if __name__ == "__main__":
    unittest.main()
