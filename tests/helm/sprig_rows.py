# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The functions of sprig.py: what Go says on the left, what Jinja says in the middle, and values for x."""

TEXTS = ["", "a", "aB", "straße", "ΑΣ", "a,b,", "x"]
NUMBERS = [0, 1, -7, 8, "9", 2.5, True, None]
LISTS = [[], ["a"], ["b", "", "a", "b"], [1, None, False, {"a": 1}, []]]
MAPS = [{}, {"a": 1}, {"a": {"b": "c"}, "b": ""}]

ROWS = [
    ("{{ lower .Values.x }}{{ upper .Values.x }}", "{{ x | lower }}{{ x | upper }}", [*TEXTS, 1, None]),
    ("{{ squote .Values.x nil 1 `a'b` }}", '{{ squote(x, none, 1, "a\'b") }}', [*TEXTS, 1, None, True]),
    ("{{ splitList `,` .Values.x | toJson }}", "{{ split_list(',', x) | to_json }}", [*TEXTS, 1]),
    ("{{ splitList `` .Values.x | toJson }}", "{{ split_list('', x) | to_json }}", TEXTS),
    ("{{ repeat 3 .Values.x }}{{ repeat 0 .Values.x }}", "{{ repeat(3, x) }}{{ repeat(0, x) }}", [*TEXTS, 1]),
    ("{{ b64enc .Values.x }}{{ b64enc .Values.x | b64dec }}", "{{ b64enc(x) }}{{ b64enc(x) | b64dec }}", [*TEXTS, 1]),
    ("{{ sha256sum .Values.x }}", "{{ x | sha256sum }}", [*TEXTS, 1]),
    ("{{ trimAll `$a` .Values.x }}", "{{ trim_all('$a', x) }}", ["", "$5a", "aba", "b", 1]),
    ("{{ hasSuffix `,` .Values.x }}", "{{ has_suffix(',', x) }}", [*TEXTS, 1]),
    ("{{ empty .Values.x }}", "{{ empty(x) }}", [*TEXTS, *NUMBERS, *LISTS, *MAPS, False, 0.0]),
    ("{{ coalesce .Values.x .Values.y 0 `z` }}", "{{ coalesce(x, y, 0, 'z') }}", [*TEXTS, 0, 1, False, True, None]),
    ("{{ ternary `a` `b` .Values.x }}", "{{ ternary('a', 'b', x) }}", [True, False, "true", 1, None]),
    *(
        (f"{{{{ kindIs `{kind}` .Values.x }}}}", f"{{{{ kind_is('{kind}', x) }}}}", ["", 1, True, None, [], {}])
        for kind in ("string", "bool", "slice", "map", "invalid")
    ),
    ("{{ eq .Values.x `a` }}", "{{ eq(x, 'a') }}", ["a", "b", 1, True, None, [], {}]),
    ("{{ eq .Values.x `a` `b` }}", "{{ eq(x, 'a', 'b') }}", ["a", "b", "c", 1, True, None]),
    ("{{ eq .Values.x .Values.y }}", "{{ eq(x, y) }}", [None, "a", 1, True]),
    ("{{ ne .Values.x `a` }}", "{{ ne(x, 'a') }}", ["a", "b", 1, True, None, []]),
    *(
        (
            f"{{{{ {name} .Values.x {one} }}}}",
            f"{{{{ {name}(x, {other}) }}}}",
            ["a", "b", "", "é", 0, 1, 1.5, -1, None, True, []],
        )
        for name in ("lt", "le", "gt", "ge")
        for one, other in (("`a`", "'a'"), ("1.0", "1"))
    ),
    ("{{ add .Values.x 2 }},{{ add1 .Values.x }}", "{{ add(x, 2) }},{{ add1(x) }}", NUMBERS),
    ("{{ sub .Values.x 2 }},{{ sub 2 .Values.x }}", "{{ sub(x, 2) }},{{ sub(2, x) }}", NUMBERS),
    ("{{ div .Values.x 3 }},{{ mod .Values.x 3 }}", "{{ div(x, 3) }},{{ mod(x, 3) }}", NUMBERS),
    ("{{ div 7 .Values.x }},{{ mod 7 .Values.x }}", "{{ div(7, x) }},{{ mod(7, x) }}", NUMBERS),
    ("{{ max .Values.x 2 1 }},{{ min .Values.x 2 1 }}", "{{ max(x, 2, 1) }},{{ min(x, 2, 1) }}", NUMBERS),
    ("{{ int64 .Values.x }}", "{{ x | int64 }}", NUMBERS),
    ("{{ until (int .Values.x) | toJson }}", "{{ until(x | int) | to_json }}", [0, 1, 3]),
    ("{{ index .Values.x `a` }}", "{{ index(x, 'a') }}", [{"a": 1}, {"a": "b", "c": 1}, [], None, "a"]),
    ("{{ index .Values.x `a` `b` }}", "{{ index(x, 'a', 'b') }}", [{"a": {"b": "c"}}, {"a": "b"}]),
    ("{{ index .Values.x 1 }}", "{{ index(x, 1) }}", [["a", "b"], ["a"], []]),
    (
        "{{ first .Values.x | toJson }}{{ last .Values.x | toJson }}",
        "{{ first(x) | to_json }}{{ last(x) | to_json }}",
        LISTS,
    ),
    ("{{ reverse .Values.x | toJson }}", "{{ reverse(x) | to_json }}", LISTS),
    ("{{ compact .Values.x | toJson }}", "{{ compact(x) | to_json }}", LISTS),
    ("{{ prepend .Values.x `z` | toJson }}", "{{ prepend(x, 'z') | to_json }}", LISTS),
    ("{{ without .Values.x `a` false | toJson }}", "{{ without(x, 'a', false) | to_json }}", LISTS),
    ("{{ pick .Values.x `a` `z` | toJson }}", "{{ pick(x, 'a', 'z') | to_json }}", MAPS),
    (
        "{{ dig `a` `b` `none` .Values.x }}",
        "{{ dig('a', 'b', 'none', x) }}",
        [{}, {"a": {}}, {"a": {"b": "c"}}, {"a": "b"}],
    ),
    ("{{ dig `a` `none` .Values.x | toJson }}", "{{ dig('a', 'none', x) | to_json }}", [*MAPS, {"a": None}]),
]
