"""Who may change a site: terms, outdated runs, steps that exclude each other."""

import os
import random
import subprocess
import sys
import tempfile
import unittest

import helpers
from trivet_node.errors import Outdated, StepFailed
from trivet_node.fence import Fence


@unittest.skipUnless(os.geteuid() == 0, "files of the fence belong to root")
class FenceTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def fence(self, job, term, scope="site"):
        return Fence(scope, job, term, self.directory.name)

    def test_a_later_run_takes_over_and_the_older_one_is_refused_everywhere(self):
        old, new = self.fence("a", 5), self.fence("b", 7)
        self.assertEqual(old.raise_term(), {"a"})
        with old.step():
            pass
        self.assertEqual(new.raise_term(), {"a", "b"})
        for attempt in (old.check, old.raise_term, lambda: old.step().__enter__()):
            with self.assertRaises(Outdated):
                attempt()
        with new.step():
            pass

    def test_the_same_run_may_begin_again(self):
        run = self.fence("a", 5)
        run.raise_term()
        self.assertEqual(self.fence("a", 5).raise_term(), {"a"})
        run.check()

    def test_a_second_attempt_has_a_higher_term(self):
        first, second = self.fence("a", 5), self.fence("a", 6)
        first.raise_term()
        second.raise_term()
        with self.assertRaises(Outdated):
            first.check()

    def test_one_term_belongs_to_one_job(self):
        self.fence("a", 5).raise_term()
        with self.assertRaises(Outdated):
            self.fence("b", 5).raise_term()

    def test_a_run_that_never_began_may_do_nothing(self):
        with self.assertRaises(Outdated):
            self.fence("a", 5).check()

    def test_sites_do_not_hinder_each_other(self):
        self.fence("a", 9, "one").raise_term()
        self.fence("b", 1, "two").raise_term()

    def test_a_new_run_waits_for_the_step_of_the_old_one(self):
        old, new = self.fence("a", 1), self.fence("b", 2)
        old.raise_term()
        program = ("import sys; sys.path.insert(0, sys.argv[1])\nfrom trivet_node.fence import Fence\n"
                   "with Fence('site', 'a', 1, sys.argv[2]).step():\n print('in', flush=True); sys.stdin.readline()\n")
        library = str(helpers.ROOT / "deploy/ansible/roles/node_helpers/files")
        with subprocess.Popen([sys.executable, "-B", "-c", program, library, self.directory.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as step:
            self.assertEqual(step.stdout.readline(), "in\n")
            new.raise_term()
            import trivet_node.fence as module
            patience, module.PATIENCE_SECONDS = module.PATIENCE_SECONDS, 0.2
            with self.assertRaises(StepFailed):
                new.settle()
            module.PATIENCE_SECONDS = patience
            step.stdin.write("\n")
            step.stdin.close()
            new.settle()

    def test_the_highest_term_wins_in_any_order(self):
        seed = random.randrange(1 << 32)
        print("seed", seed)
        dice = random.Random(seed)
        for _ in range(50):
            scope, terms, highest = str(dice.random()), dice.sample(range(1, 100), 10), 0
            for term in terms:
                run = self.fence(f"job{term}", term, scope)
                if term > highest:
                    run.raise_term()
                    highest = term
                else:
                    with self.assertRaises(Outdated):
                        run.raise_term()
            self.fence(f"job{highest}", highest, scope).check()


if __name__ == "__main__":
    unittest.main()
