"""The nine languages beside Python, as tables of their grammars' node types."""

from __future__ import annotations

from journeyman.errors import JourneymanError
from journeyman.tasks.mutate.dialect import Dialect

__all__ = ["DIALECTS", "dialect_of"]

_COMMENTS = ("comment", "line_comment", "block_comment")

_JAVASCRIPT_ROLES: dict[str, tuple[str, ...]] = {
    "binary": ("binary_expression",),
    "unary": ("unary_expression",),
    "if": ("if_statement",),
    "while": ("while_statement", "do_statement"),
    "loop": ("for_statement", "for_in_statement"),
    "ternary": ("ternary_expression",),
    "return": ("return_statement",),
    "throw": ("throw_statement",),
    "call": ("call_expression", "new_expression"),
    "statement": ("expression_statement",),
    "assignment": ("assignment_expression",),
    "augmented": ("augmented_assignment_expression",),
    "number": ("number",),
    "boolean": ("true", "false"),
    "string": ("string",),
    "identifier": ("identifier",),
    "break": ("break_statement",),
    "continue": ("continue_statement",),
    "try": ("try_statement",),
}
_JAVASCRIPT_FUNCTIONS = frozenset(
    (
        *("function_declaration", "function_expression", "arrow_function", "method_definition"),
        *("generator_function", "generator_function_declaration"),
    )
)
_TYPESCRIPT_TYPES = (
    *("type_annotation", "type_arguments", "type_parameters", "interface_declaration"),
    *("type_alias_declaration", "ambient_declaration", "as_expression", "type_predicate"),
)

JAVASCRIPT = Dialect(
    language="javascript",
    title="JavaScript",
    roles={**_JAVASCRIPT_ROLES, "function": tuple(sorted(_JAVASCRIPT_FUNCTIONS))},
    functions=_JAVASCRIPT_FUNCTIONS,
    scopes=frozenset(("class_declaration", "class")),
    blocks=frozenset(("statement_block", "program")),
    skipped=frozenset(
        (*_COMMENTS, "import_statement", "decorator", "template_string", "regex", "jsx_element")
    ),
    bindings={
        "required_parameter": ("pattern", "type"),
        "optional_parameter": ("pattern", "type"),
        "assignment_pattern": ("left", ""),
        "variable_declarator": ("name", ""),
        "formal_parameters": ("", ""),
    },
    null=b"null",
    unimplemented=b'throw new Error("not implemented");',
    classes=frozenset(("class_declaration", "class")),
    holders=frozenset(
        (
            *("variable_declarator", "lexical_declaration", "variable_declaration", "pair"),
            *("assignment_expression", "expression_statement", "field_definition"),
            *("public_field_definition", "export_statement"),
        )
    ),
    skipped_functions=frozenset(("toString", "toJSON", "inspect")),
)

TYPESCRIPT = Dialect(
    language="typescript",
    title="TypeScript",
    roles=JAVASCRIPT.roles,
    functions=JAVASCRIPT.functions,
    scopes=frozenset(
        ("class_declaration", "class", "abstract_class_declaration", "internal_module")
    ),
    blocks=JAVASCRIPT.blocks,
    skipped=JAVASCRIPT.skipped | frozenset(_TYPESCRIPT_TYPES),
    bindings=JAVASCRIPT.bindings,
    null=b"null as any",
    unimplemented=JAVASCRIPT.unimplemented,
    classes=frozenset(("class_declaration", "class", "abstract_class_declaration")),
    holders=JAVASCRIPT.holders,
    skipped_functions=JAVASCRIPT.skipped_functions,
)

GO = Dialect(
    language="go",
    title="Go",
    roles={
        "binary": ("binary_expression",),
        "unary": ("unary_expression",),
        "if": ("if_statement",),
        "loop": ("for_statement",),
        "return": ("return_statement",),
        "call": ("call_expression",),
        "statement": ("expression_statement",),
        "assignment": ("assignment_statement",),
        "augmented": ("assignment_statement",),
        "number": ("int_literal", "float_literal"),
        "boolean": ("true", "false"),
        "string": ("interpreted_string_literal",),
        "identifier": ("identifier",),
        "break": ("break_statement",),
        "continue": ("continue_statement",),
        "function": ("function_declaration", "method_declaration"),
    },
    functions=frozenset(("function_declaration", "method_declaration", "func_literal")),
    scopes=frozenset(),
    blocks=frozenset(("block", "statement_list")),
    skipped=frozenset((*_COMMENTS, "import_declaration", "type_declaration", "const_declaration")),
    bindings={"parameter_declaration": ("name", "type"), "var_spec": ("name", "type")},
    unimplemented=b"return {nothing} /* not implemented */",
    nothing=b"*new({type})",
    result="result",
    imports="import_spec",
    is_typed=True,
    skipped_functions=frozenset(("main", "init", "String", "GoString")),
)

JAVA = Dialect(
    language="java",
    title="Java",
    roles={
        "binary": ("binary_expression",),
        "unary": ("unary_expression",),
        "if": ("if_statement",),
        "while": ("while_statement", "do_statement"),
        "loop": ("for_statement", "enhanced_for_statement"),
        "ternary": ("ternary_expression",),
        "return": ("return_statement",),
        "throw": ("throw_statement",),
        "call": ("method_invocation", "object_creation_expression"),
        "statement": ("expression_statement",),
        "assignment": ("assignment_expression",),
        "augmented": ("assignment_expression",),
        "number": ("decimal_integer_literal", "decimal_floating_point_literal"),
        "boolean": ("true", "false"),
        "string": ("string_literal",),
        "identifier": ("identifier",),
        "break": ("break_statement",),
        "continue": ("continue_statement",),
        "try": ("try_statement",),
        "function": ("method_declaration", "constructor_declaration"),
    },
    functions=frozenset(
        (
            *("method_declaration", "constructor_declaration", "lambda_expression"),
            "compact_constructor_declaration",
        )
    ),
    scopes=frozenset(
        ("class_declaration", "enum_declaration", "record_declaration", "interface_declaration")
    ),
    blocks=frozenset(("block", "constructor_body")),
    skipped=frozenset(
        (
            *_COMMENTS,
            *("import_declaration", "package_declaration", "annotation", "marker_annotation"),
            *("type_arguments", "type_parameters", "throws", "modifiers"),
        )
    ),
    bindings={"formal_parameter": ("name", "type"), "local_variable_declaration": ("", "type")},
    unimplemented=b'throw new UnsupportedOperationException("not implemented");',
    classes=frozenset(("class_declaration", "enum_declaration", "record_declaration")),
    kept_first=frozenset(("explicit_constructor_invocation",)),
    is_typed=True,
    skipped_functions=frozenset(("main", "toString", "hashCode")),
)

RUST = Dialect(
    language="rust",
    title="Rust",
    roles={
        "binary": ("binary_expression",),
        "unary": ("unary_expression",),
        "if": ("if_expression",),
        "while": ("while_expression",),
        "loop": ("for_expression",),
        "return": ("return_expression",),
        "call": ("call_expression",),
        "statement": ("expression_statement",),
        "assignment": ("assignment_expression",),
        "augmented": ("compound_assignment_expr",),
        "number": ("integer_literal", "float_literal"),
        "boolean": ("boolean_literal",),
        "string": ("string_literal",),
        "identifier": ("identifier",),
        "break": ("break_expression",),
        "continue": ("continue_expression",),
        "function": ("function_item",),
    },
    functions=frozenset(("function_item", "closure_expression")),
    scopes=frozenset(("impl_item", "trait_item", "mod_item")),
    blocks=frozenset(("block",)),
    skipped=frozenset(
        (
            *_COMMENTS,
            *("use_declaration", "attribute_item", "inner_attribute_item", "type_arguments"),
            *("type_parameters", "where_clause", "struct_item", "enum_item", "macro_definition"),
            *("const_item", "static_item"),
        )
    ),
    bindings={"parameter": ("pattern", "type"), "let_declaration": ("pattern", "type")},
    unimplemented=b"unimplemented!()",
    classes=frozenset(("impl_item",)),
    unremovable=frozenset(("abstract_type",)),
    is_typed=True,
    skipped_functions=frozenset(("main", "fmt", "drop")),
)

_C_ROLES: dict[str, tuple[str, ...]] = {
    "binary": ("binary_expression",),
    "unary": ("unary_expression",),
    "if": ("if_statement",),
    "while": ("while_statement", "do_statement"),
    "loop": ("for_statement", "for_range_loop"),
    "ternary": ("conditional_expression",),
    "return": ("return_statement",),
    "throw": ("throw_statement",),
    "call": ("call_expression",),
    "statement": ("expression_statement",),
    "assignment": ("assignment_expression",),
    "augmented": ("assignment_expression",),
    "number": ("number_literal",),
    "boolean": ("true", "false"),
    "string": ("string_literal",),
    "identifier": ("identifier",),
    "break": ("break_statement",),
    "continue": ("continue_statement",),
    "function": ("function_definition",),
    "scalar": ("primitive_type", "sized_type_specifier", "pointer_declarator"),
    "marked": ("macro_type_specifier",),
}
_C_SKIPPED = (
    *_COMMENTS,
    *("preproc_include", "preproc_def", "preproc_function_def", "preproc_call", "type_descriptor"),
    *("struct_specifier", "enum_specifier", "union_specifier", "attribute_specifier"),
)
_C_BINDINGS = {"parameter_declaration": ("declarator", "type"), "declaration": ("", "type")}

C = Dialect(
    language="c",
    title="C",
    roles=_C_ROLES,
    functions=frozenset(("function_definition",)),
    scopes=frozenset(),
    blocks=frozenset(("compound_statement",)),
    skipped=frozenset(_C_SKIPPED),
    bindings=_C_BINDINGS,
    unimplemented=b"return {nothing}; /* not implemented */",
    nothing=b"({type}){0}",
    result="type",
    is_typed=True,
    skipped_functions=frozenset(("main",)),
)

CPP = Dialect(
    language="cpp",
    title="C++",
    roles={**_C_ROLES, "try": ("try_statement",)},
    functions=frozenset(("function_definition", "lambda_expression")),
    scopes=frozenset(("class_specifier", "struct_specifier", "namespace_definition")),
    blocks=frozenset(("compound_statement",)),
    skipped=frozenset(
        (
            *(name for name in _C_SKIPPED if name != "struct_specifier"),
            *("template_parameter_list", "template_argument_list", "using_declaration"),
            *("static_assert_declaration", "alias_declaration", "type_requirement"),
        )
    ),
    bindings=_C_BINDINGS,
    unimplemented=b'throw "not implemented";',
    classes=frozenset(("class_specifier", "struct_specifier")),
    holders=frozenset(("template_declaration",)),
    unremovable=frozenset(("noexcept", "destructor_name")),
    is_typed=True,
    skipped_functions=frozenset(("main",)),
)

RUBY = Dialect(
    language="ruby",
    title="Ruby",
    roles={
        "binary": ("binary",),
        "unary": ("unary",),
        "if": ("if", "unless", "elsif", "if_modifier", "unless_modifier"),
        "while": ("while", "until"),
        "loop": ("for",),
        "ternary": ("conditional",),
        "return": ("return",),
        "call": ("call",),
        "assignment": ("assignment",),
        "augmented": ("operator_assignment",),
        "number": ("integer", "float"),
        "boolean": ("true", "false"),
        "string": ("string",),
        "identifier": ("identifier",),
        "break": ("break",),
        "continue": ("next",),
        "function": ("method", "singleton_method"),
    },
    functions=frozenset(("method", "singleton_method")),
    scopes=frozenset(("class", "module", "singleton_class")),
    blocks=frozenset(("body_statement", "then", "else", "do", "ensure", "block_body")),
    skipped=frozenset((*_COMMENTS, "regex", "heredoc_body")),
    bindings={
        "method_parameters": ("", ""),
        "optional_parameter": ("name", ""),
        "assignment": ("left", ""),
    },
    null=b"nil",
    unimplemented=b"raise NotImplementedError",
    classes=frozenset(("class", "module")),
    empty=b"nil",
    skipped_functions=frozenset(("to_s", "inspect", "hash")),
)

PHP = Dialect(
    language="php",
    title="PHP",
    roles={
        "binary": ("binary_expression",),
        "unary": ("unary_op_expression",),
        "if": ("if_statement", "else_if_clause"),
        "while": ("while_statement", "do_statement"),
        "loop": ("for_statement", "foreach_statement"),
        "ternary": ("conditional_expression",),
        "return": ("return_statement",),
        "throw": ("throw_expression",),
        "call": (
            *("function_call_expression", "member_call_expression", "scoped_call_expression"),
            *("object_creation_expression", "nullsafe_member_call_expression"),
        ),
        "statement": ("expression_statement",),
        "assignment": ("assignment_expression",),
        "augmented": ("augmented_assignment_expression",),
        "number": ("integer", "float"),
        "boolean": ("boolean",),
        "string": ("string",),
        "identifier": ("variable_name",),
        "break": ("break_statement",),
        "continue": ("continue_statement",),
        "try": ("try_statement",),
        "function": ("function_definition", "method_declaration"),
    },
    functions=frozenset(
        ("function_definition", "method_declaration", "anonymous_function", "arrow_function")
    ),
    scopes=frozenset(("class_declaration", "trait_declaration", "enum_declaration")),
    blocks=frozenset(("compound_statement",)),
    skipped=frozenset(
        (
            *_COMMENTS,
            *("namespace_use_declaration", "namespace_definition", "attribute_list", "named_type"),
            *("primitive_type", "union_type", "optional_type", "declare_statement", "text"),
        )
    ),
    bindings={
        "simple_parameter": ("name", ""),
        "assignment_expression": ("left", ""),
        "foreach_statement": ("", ""),
    },
    null=b"null",
    unimplemented=b"throw new \\LogicException('not implemented');",
    classes=frozenset(("class_declaration", "trait_declaration", "enum_declaration")),
    skipped_functions=frozenset(("__toString", "__debugInfo")),
)

CSHARP = Dialect(
    language="csharp",
    title="C#",
    roles={
        "binary": ("binary_expression",),
        "unary": ("prefix_unary_expression",),
        "if": ("if_statement",),
        "while": ("while_statement", "do_statement"),
        "loop": ("for_statement", "foreach_statement"),
        "ternary": ("conditional_expression",),
        "return": ("return_statement",),
        "throw": ("throw_statement",),
        "call": ("invocation_expression", "object_creation_expression"),
        "statement": ("expression_statement",),
        "assignment": ("assignment_expression",),
        "augmented": ("assignment_expression",),
        "number": ("integer_literal", "real_literal"),
        "boolean": ("boolean_literal",),
        "string": ("string_literal",),
        "identifier": ("identifier",),
        "break": ("break_statement",),
        "continue": ("continue_statement",),
        "try": ("try_statement",),
        "function": ("method_declaration", "constructor_declaration"),
    },
    functions=frozenset(
        (
            *("method_declaration", "constructor_declaration", "local_function_statement"),
            "lambda_expression",
        )
    ),
    scopes=frozenset(("class_declaration", "struct_declaration", "record_declaration")),
    blocks=frozenset(("block",)),
    skipped=frozenset((*_COMMENTS, "using_directive", "attribute_list", "type_argument_list")),
    bindings={"parameter": ("name", "type")},
    unimplemented=b"throw new System.NotImplementedException();",
    classes=frozenset(("class_declaration", "struct_declaration", "record_declaration")),
    is_typed=True,
    skipped_functions=frozenset(("Main", "ToString", "GetHashCode")),
)

DIALECTS: dict[str, Dialect] = {
    one.language: one for one in (JAVASCRIPT, TYPESCRIPT, GO, JAVA, RUST, C, CPP, CSHARP, RUBY, PHP)
}


def dialect_of(language: str) -> Dialect:
    """Return the table of a language. Raises `JourneymanError` where there is none."""
    if language not in DIALECTS:
        known = ", ".join(["python", *DIALECTS])
        raise JourneymanError(f"no bugs are known for {language}", f"languages: {known}")
    return DIALECTS[language]
