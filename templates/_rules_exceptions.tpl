{#- Which exceptions lie outside of the CIDR they are taken from. #}

{#- Each exception lies in the CIDR it is taken from, and its prefix is longer by so many bits at least. Either may be an
address alone, whose prefix is all of it. #}
{%- macro outsiders(path, cidr, list, longer) -%}
{%- if contains(":", cidr) %}
{%- set size = index(split_list("/", printf("%s/128", cidr)), 1) | int %}
{{- exceptions6(path, cidr, list, size, add(size, longer) | int) }}
{%- else %}
{%- set size = index(split_list("/", printf("%s/32", cidr)), 1) | int %}
{{- exceptions4(path, cidr, list, size, add(size, longer) | int) }}
{%- endif %}
{%- endmacro %}

{#- The whole octets of the prefix are compared as text, and of the next one its first bits. #}
{%- macro exceptions4(path, cidr, list, size, least) -%}
{%- set octets = regex_replace_all("/.*", cidr, "") | split_list(".") %}
{%- set whole = div(size, 8) | int %}
{%- set prefix = regex_replace_all(printf("^(([0-9]+[.]){%d}).*$", whole), printf("%s.", octets | join(".")), "${1}") %}
{%- set unit = index([256, 128, 64, 32, 16, 8, 4, 2], mod(size, 8) | int) | int %}
{%- set bits = div(index(append(octets, "0"), whole) | int, unit) | int %}
{%- for exception in list %}
{%- set parts = split_list("/", printf("%s/32", exception)) %}
{%- if not has_prefix(prefix, printf("%s.", first(parts))) or index(parts, 1) | int < least | int or contains(":", exception) %}
{{ path }}[{{ loop.index0 }}]: {{ exception }}{{ outside(cidr) }}
{%- elif unit < 256 and div(index(split_list(".", first(parts)), whole) | int, unit) | int != bits %}
{{ path }}[{{ loop.index0 }}]: {{ exception }}{{ outside(cidr) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- The same with the groups of IPv6. An IPv4 address inside an IPv6 one is not looked into. #}
{%- macro exceptions6(path, cidr, list, size, least) -%}
{%- set groups = printf("%s:", groupsOf(first(split_list("/", cidr)))) %}
{%- set whole = div(size, 16) | int %}
{%- set bits = mod(size, 16) | int %}
{%- set prefix = regex_replace_all(printf("^(:([^:]*:){%d}).*$", whole), groups, "${1}") %}
{%- set same = div(bits, 4) | int %}
{%- set next = add(same, 1) | int %}
{%- set place = add(whole, 1) | int %}
{%- set digits = trunc(-4, printf("0000%s", index(split_list(":", groups), place))) %}
{%- set start = trunc(same, digits) %}
{%- set alike = like(trunc(-1, trunc(next, digits)), mod(bits, 4) | int) %}
{%- for exception in list %}
{%- set parts = split_list("/", printf("%s/128", exception)) %}
{%- if not contains(":", exception) or index(parts, 1) | int < least | int %}
{{ path }}[{{ loop.index0 }}]: {{ exception }}{{ outside(cidr) }}
{%- elif not contains(".", exception) and not contains(".", cidr) %}
{%- set own = printf("%s:", groupsOf(first(parts))) %}
{%- if not has_prefix(prefix, own) %}
{{ path }}[{{ loop.index0 }}]: {{ exception }}{{ outside(cidr) }}
{%- elif bits %}
{%- set own = trunc(-4, printf("0000%s", index(split_list(":", own), place))) %}
{%- if not has_prefix(start, own) or not contains(trunc(-1, trunc(next, own)), alike) %}
{{ path }}[{{ loop.index0 }}]: {{ exception }}{{ outside(cidr) }}
{%- endif %}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro outside(cidr) %} is no part of {{ cidr }}, or all of it; write a range inside of it, or leave this out
{%- endmacro %}

{#- An IPv6 address as `:<group>` eight times, without leading zeros; `::` stands for as many groups of zeros as lack. #}
{%- macro groupsOf(address) -%}
{%- set zeros = repeat(sub(9, len(compact(split_list(":", address)))) | int, ":") %}
{%- set groups = printf(":%s", trim_prefix(":", replace("::", zeros, lower(address)))) %}
{%- if contains(":0", groups) %}
{%- set groups = replace(":0", ":", replace(":00", ":", replace(":000", ":", groups))) %}
{%- endif %}
{{- groups }}
{%- endmacro %}

{#- The hexadecimal digits whose first bits are those of this one. #}
{%- macro like(digit, bits) -%}
{%- set digits = "0123456789abcdef" %}
{%- set unit = index([16, 8, 4, 2], bits) | int %}
{%- set place = len(first(split_list(digit, digits))) %}
{{- trunc(unit, trunc(sub(sub(place, mod(place, unit)), 16) | int, digits)) }}
{%- endmacro %}
