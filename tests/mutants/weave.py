"""Weaves many mutants into one source file, each behind a switch: built once, one is chosen when it runs.

A mutant is what `cargo mutants --list --json` says. `if crate::mutant::is(7) { … }` stands in front of, or around,
what mutant 7 changes; the rest of the file is as it was.
"""

import tree_sitter
import tree_sitter_rust

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))


def weave(source, mutants):
    """`source` in bytes, and `{number: mutant}`; gives the new source, and the numbers that are in it."""
    weaver = Weaver(source, mutants)
    return weaver.text(PARSER.parse(source).root_node), weaver.woven


class Weaver:
    def __init__(self, source, mutants):
        self.source, self.woven = source, set()
        starts = [0]
        for line in source.split(b"\n"):
            starts.append(starts[-1] + len(line) + 1)
        self.at = {}
        for number, mutant in mutants.items():
            start = mutant["span"]["start"]
            place = starts[start["line"] - 1] + len(
                source[starts[start["line"] - 1]:].split(b"\n")[0].decode()[:start["column"] - 1].encode())
            self.at.setdefault((mutant["genre"], place), []).append((number, mutant["replacement"].encode()))

    def text(self, node):
        """The node's source with all that is woven into what is below it."""
        parts, end = [], node.start_byte
        for child in node.children:
            parts += [self.source[end:child.start_byte], self.text(child)]
            end = child.end_byte
        parts.append(self.source[end:node.end_byte])
        weave_kind = getattr(self, "_" + node.type, None)
        return weave_kind(node, b"".join(parts)) if weave_kind else b"".join(parts)

    def take(self, genre, place):
        found = self.at.get((genre, place), [])
        self.woven |= {number for number, _ in found}
        return found

    def plain(self, node):
        return self.source[node.start_byte:node.end_byte]

    def choose(self, mutants, text):
        """An expression that is one of the mutants, or `text`."""
        for number, mutant in mutants:
            text = is_on(number) + b" { " + mutant + b" } else { " + text + b" }"
        return b"(" + text + b")" if mutants else text

    def _function_item(self, node, text):
        body = node.child_by_field_name("body")
        statements = [child for child in body.named_children if "comment" not in child.type] if body else []
        if not statements:
            return text
        found = self.take("FnValue", statements[0].start_byte)
        first = b"".join(is_on(number) + b" { return " + value + b"; } " for number, value in found)
        brace = len(text) - len(self.text(body))
        return text[:brace + 1] + first + text[brace + 1:]

    def _binary_expression(self, node, text):
        return self.choose(self.operators(node), text)

    def _compound_assignment_expr(self, node, text):
        return self.choose(self.operators(node), text)

    def operators(self, node):
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        found = self.take("BinaryOperator", operator.start_byte)
        if node.type == "compound_assignment_expr":
            found += self.take("AssignmentOperator", operator.start_byte)
            return [(n, self.plain(left) + b" " + op + b" " + self.plain(right)) for n, op in found]
        return [(n, b"(" + self.plain(left) + b") " + op + b" (" + self.plain(right) + b")") for n, op in found]

    def _unary_expression(self, node, text):
        found = self.take("UnaryOperator", node.start_byte)
        return self.choose([(number, self.plain(node.children[-1])) for number, _ in found], text)

    def _match_arm(self, node, text):
        """A guard is replaced; an arm that is deleted has one that never holds."""
        pattern = node.child_by_field_name("pattern")
        guard = pattern.child_by_field_name("condition")
        deleted = self.take("MatchArm", node.start_byte)
        replaced = self.take("MatchArmGuard", guard.start_byte) if guard is not None else []
        if not deleted and not replaced:
            return text
        arrow = text.index(b"=>", len(self.text(pattern)))
        if guard is None:
            off = b" && ".join(b"!" + switch(number) for number, _ in deleted)
            return text[:arrow].rstrip() + b" if " + off + b" " + text[arrow:]
        if guard.type in ("let_condition", "let_chain"):
            self.woven -= {number for number, _ in deleted + replaced}
            return text
        condition = self.choose(replaced, self.text(guard))
        for number, _ in deleted:
            condition = b"!" + switch(number) + b" && " + condition
        before = self.source[node.start_byte:guard.start_byte]
        return before + condition + b" " + text[arrow:]


def switch(number):
    return b"crate::mutant::is(%d)" % number


def is_on(number):
    return b"if " + switch(number)
