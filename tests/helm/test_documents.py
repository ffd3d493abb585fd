# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The order and the frame of documents are Helm's: compared with Helm's own dry run of an installation."""

import re
import tempfile
import time
from pathlib import Path

import helm_python
import pytest
import yaml
from conftest import draws
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm import documents

# Nothing listens there, and a dry run of the client asks nobody.
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
current-context: none
"""
KINDS = [
    *documents.INSTALL_ORDER,
    "Server",
    "AuthorizationPolicy",
    "Certificate",
    "zebra",
    "",
    "'Job'",
    "Job # one",
    None,
]
FILES = ["a.yaml", "a-b.yaml", "b.yaml", "service-a.yaml"]
DOCUMENTS = st.lists(st.tuples(st.sampled_from(FILES), st.sampled_from(KINDS)), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def helm():
    with helm_python.Config(kubeconfig_content=KUBECONFIG, storage_driver="memory") as config:
        yield config


def helms(helm, texts):
    """The manifest that Helm installs, with its hooks left out, for templates of these texts."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "templates").mkdir()
        Path(directory, "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.0.0\n")
        for file, text in texts.items():
            Path(directory, "templates", file).write_text(text)
        return re.sub("[ \n]*\n", "\n", helm.install(directory, "r", {}, dry_run="client")["manifest"])


def ours(texts, **options):
    found = documents.ordered(texts, **options)
    text = "".join(documents.framed("c", f"templates/{file}", text) for file, text in found)
    return re.sub("[ \n]*\n", "\n", text)


@settings(max_examples=draws(3))
@given(drawn=DOCUMENTS)
@example([("b.yaml", None), ("a.yaml", "Namespace"), ("a-b.yaml", "zebra"), ("b.yaml", "'Job'"), ("a.yaml", "Job")])
def test_documents_are_ordered_and_framed_as_by_helm(helm, drawn):
    texts = dict.fromkeys(FILES, "")
    for number, (file, kind) in enumerate(drawn):
        head = "# a note\n" if kind is None else f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: n{number}\n"
        texts[file] += f"---\n{head}"
    assert ours(texts) == helms(helm, texts)


ANNOTATED = [
    "metadata:\n  annotations: {helm.sh/hook: 'TYPES'}\n",
    "metadata:\n  name: a\n  annotations:\n    a: b\n    'helm.sh/hook': \"TYPES\"\n    c: d\n",
    "metadata: {annotations: {\"helm.sh/hook\": 'TYPES'}}\nspec: {a: [1]}\n",
    "spec:\n  template:\n    metadata:\n      annotations:\n        helm.sh/hook: TYPES\n",
    "data:\n  a: |\n    metadata:\n      annotations:\n        helm.sh/hook: TYPES\n",
    "metadata:\n  labels:\n    helm.sh/hook: TYPES\n",
    "metadata:\n  annotations:\n    helm.sh/hooks: TYPES\n    note: 'helm.sh/hook: TYPES'\n",
    "metadata:\n  annotations:\n  # helm.sh/hook: TYPES\n    a: b\n",
    "items:\n- metadata: {annotations: {helm.sh/hook: TYPES}}\n",
]
TYPES = [
    "test",
    "pre-delete, post-delete",
    " Pre-Install ",
    "test-success",
    "true",
    "crd-install",
    "test,",
    "a,test",
    "",
]


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("text", ANNOTATED)
def test_a_hook_is_what_is_one_to_helm(helm, text, types):
    texts = {"a.yaml": f"apiVersion: v1\nkind: Secret\n{text.replace('TYPES', types)}", "b.yaml": "kind: Zebra\n"}
    assert ours(texts, hooks=False) == helms(helm, texts)
    unknown = documents.unknown_hooks(texts)
    taken = "Secret" in ours(texts, hooks=False)
    assert ("Secret" in ours(texts)) == (taken or not unknown)
    if not taken:  # a hook comes last, what is none of a known type nowhere
        assert [file for file, _ in documents.ordered(texts)] == (["b.yaml"] if unknown else ["b.yaml", "a.yaml"])
        assert bool(unknown) == (types in TYPES[4:])


def test_hooks_come_last_and_can_be_left_out():
    def document(kind, annotations):
        return yaml.safe_dump({"kind": kind, "metadata": {"name": "a", "annotations": annotations}, "spec": {}})

    hook, plain = (
        document("Namespace", {"a": "b", "helm.sh/hook": "pre-delete"}),
        document("Zebra", {"helm.sh/hooked": "x"}),
    )
    texts = {"a.yaml": hook, "b.yaml": plain}
    assert [file for file, _ in documents.ordered(texts)] == ["b.yaml", "a.yaml"]
    assert [file for file, _ in documents.ordered(texts, hooks=False)] == ["b.yaml"]


@pytest.mark.parametrize(
    "text, split",
    [
        ("---\n---\na", ["a\n"]),
        ("a\n \n---\n \nb\r\n--- c\n", ["a\n", "b\n", "c\n"]),
        ("---\n", []),
        (" \n", []),
        ("a: |\n  ---\n  b\n---\n# c\n", ["a: |\n  ---\n  b\n", "# c\n"]),
    ],
)
def test_documents_are_split_as_by_helm(text, split):
    assert documents.documents(text) == split


def test_what_is_no_yaml_is_told_where_it_might_be_a_hook():
    texts = {"a.yaml": "kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: test\n   a: b\n"}
    with pytest.raises(Refused) as refused:
        documents.ordered(texts)
    assert refused.value.problems == [Finding((), "what is rendered here is no YAML", place=Place("a.yaml", 5))]


KEYS = st.sampled_from(["a", "kind", "metadata", "annotations", "helm.sh/hook"])
TREES = st.recursive(
    st.sampled_from(["a", "test", "Job"]), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner)
)


@given(st.dictionaries(KEYS, TREES), st.booleans())
def test_kind_and_hook_are_found_wherever_they_stand(tree, flow):
    def at(value, *path):
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None

    text = yaml.safe_dump(tree, default_flow_style=flow, sort_keys=False)
    assert documents._head(text) == (at(tree, "kind") or "", at(tree, "metadata", "annotations", "helm.sh/hook"))


def test_many_documents_and_large_ones_are_ordered_in_time():
    role = "apiVersion: v1\nkind: RoleBinding\nmetadata:\n  name: a\n  namespace: b\n" + "x: y\n" * 100
    hook = "kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: test\nspec:\n" + "".join(
        f"  a{number}: b\n" for number in range(100_000)
    )
    start = time.process_time()
    assert len(documents.ordered({"a.yaml": f"---\n{role}" * 50_000, "b.yaml": hook})) == 50_001
    assert time.process_time() - start < 1
