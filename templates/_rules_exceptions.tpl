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

{#- The same with the digits of IPv6. An IPv4 address inside an IPv6 one is not looked into. #}
{%- macro exceptions6(path, cidr, list, size, least) -%}
{%- set inside = startOf(groupsOf(first(split_list("/", cidr))), div(size, 16) | int, mod(size, 16) | int) %}
{%- for exception in list %}
{%- set parts = split_list("/", printf("%s/128", exception)) %}
{%- if not contains(":", exception) or index(parts, 1) | int < least | int %}
{{ path }}[{{ loop.index0 }}]: {{ exception }}{{ outside(cidr) }}
{%- elif not contains(".", exception) and not contains(".", cidr) and not regex_match(inside, groupsOf(first(parts))) %}
{{ path }}[{{ loop.index0 }}]: {{ exception }}{{ outside(cidr) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro outside(cidr) %} is no part of {{ cidr }}, or all of it; write a range inside of it, or leave this out
{%- endmacro %}

{#- An IPv6 address as `:000<group>` eight times, so that no group has less than four digits; `::` stands for as many
groups of zeros as lack. #}
{%- macro groupsOf(address) -%}
{%- set zeros = printf(":%s", repeat(sub(8, len(compact(split_list(":", address)))) | int, "0:")) %}
{{- replace(":", ":000", printf(":%s", trim_prefix(":", replace("::", zeros, lower(address))))) }}
{%- endmacro %}

{#- The pattern of all groups that begin as these do: whole ones, and of the next one so many bits. #}
{%- macro startOf(groups, whole, bits) -%}
{%- set groups = regex_replace_all(":0*([0-9a-f]{4})", groups, ":0*${1}") %}
{{- "^" }}{{ regex_replace_all(printf("^((:0[*][0-9a-f]{4}){%d}).*$", whole), printf("%s:", groups), "${1}") }}
{%- if bits %}
{%- set digits = "0123456789abcdef" %}
{%- set group = trunc(4, index(split_list(":0*", groups), add(whole, 1) | int)) %}
{%- set same = div(bits, 4) | int %}
{%- set unit = index([16, 8, 4, 2], mod(bits, 4) | int) | int %}
{%- set digit = len(first(split_list(trunc(-1, trunc(add(same, 1) | int, group)), digits))) %}
{%- set others = sub(sub(digit, mod(digit, unit)), 16) | int %}
{{- printf(":0*%s[%s][0-9a-f]{%d}", trunc(same, group), trunc(unit, trunc(others, digits)), sub(3, same) | int) }}
{%- endif %}
{{- "(:|$)" }}
{%- endmacro %}
