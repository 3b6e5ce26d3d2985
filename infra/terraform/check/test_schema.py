"""The provider's schema against the module and its examples, and what is refused of a spoiled one, with
file and line.
"""

from __future__ import annotations

import unittest
from pathlib import Path

from hcl import Refused, read_folder
from schema import KINDS, SCHEMA, problems
from support import MODULE, copied

# what is spoiled: file, text, what takes its place, and what has to be said of it
SPOILED = {
    "an unknown type": ("queues.tf", '"aws_sqs_queue" "work"', '"aws_sqs_line" "work"', r"queues\.tf:\d+: .*aws_sqs_line"),
    "an unknown argument": ("queues.tf", "sqs_managed_sse_enabled", "sqs_sse", r"queues\.tf:\d+: aws_sqs_queue: `sqs_sse` is not known"),
    "an unknown block": ("storage.tf", "  ttl {", "  time_to_live {", r"storage\.tf:\d+: aws_dynamodb_table: block `time_to_live`"),
    "an unknown argument of a block": ("functions.tf", "log_format ", "logs_format ", r"functions\.tf:\d+: .*logging_config: `logs_format`"),
    "what the provider decides": ("schedules.tf", "  name = var.prefix", "  arn = var.prefix\n  name = var.prefix", r"schedules\.tf:\d+: .*`arn` is decided"),
    "an argument that should be a block": ("storage.tf", "  ttl {", "  ttl = {", r"storage\.tf:\d+: .*`ttl` is a block, not an argument"),
    "a block that should be an argument": ("alarms.tf", "  alarm_actions       = local.notified\n", "  alarm_actions {}\n", r"alarms\.tf:\d+: .*`alarm_actions` is an argument"),
    "a missing argument": ("functions.tf", "  event_source_arn                   = aws_sqs_queue.work[each.key].arn\n", "  event_source_arns = 1\n", r"event_source_arns"),
    "a missing required argument": ("roles.tf", '  role = aws_iam_role.function[each.key].id\n', "", r"roles\.tf:\d+: aws_iam_role_policy: `role` is required"),
    "a missing required block": ("schedules.tf", '  flexible_time_window {\n    mode = "OFF"\n  }\n', "", r"schedules\.tf:\d+: .*`flexible_time_window` is required"),
    "a block twice": ("schedules.tf", "  flexible_time_window {", '  flexible_time_window {\n    mode = "OFF"\n  }\n\n  flexible_time_window {', r"schedules\.tf:\d+: .*`flexible_time_window` may stand there once"),
    "an unknown lifecycle": ("storage.tf", "    prevent_destroy = true", "    prevent_deletion = true", r"storage\.tf:\d+: lifecycle has no `prevent_deletion`"),
    "another provider": ("versions.tf", "~> 6.66", "~> 5.0", r"versions\.tf:\d+: the schema is of version 6\.66"),
}  # fmt: skip


class SchemaTest(unittest.TestCase):
    def test_the_module_and_its_examples_ask_for_what_the_provider_has(self) -> None:
        folders = [MODULE, *sorted(path for path in (MODULE / "examples").iterdir() if path.is_dir())]
        self.assertGreater(len(folders), 1)
        for folder in folders:
            self.assertEqual(problems(read_folder(folder)), [], folder)

    def test_a_spoiled_module_is_refused_with_file_and_line(self) -> None:
        for what, (file, old, new, expected) in SPOILED.items():
            with self.subTest(what):
                found = problems(read_folder(copied((file, old, new))))
                self.assertTrue(found)
                self.assertRegex("\n".join(found), expected)

    def test_what_is_no_terraform_is_refused_with_file_and_line(self) -> None:
        with self.assertRaisesRegex(Refused, r"queues\.tf:\d+: this is not Terraform's language"):
            read_folder(
                copied(
                    ("queues.tf", 'resource "aws_sqs_queue" "work" {', 'resource "aws_sqs_queue" "work" {{')
                )
            )

    def test_the_schema_has_what_is_used_and_nothing_else(self) -> None:
        folders = [MODULE, *(MODULE / "examples").iterdir()]
        used = {
            (b.type, b.labels[0]) for folder in folders for b in read_folder(Path(folder)) if b.type in KINDS
        }
        known = {(kind, name) for kind in KINDS for name in SCHEMA[kind]}
        self.assertEqual(known - used, set(), "left over: take it out of generate_schema.py")


if __name__ == "__main__":
    unittest.main()
