# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The order and the frame of documents are Helm's: compared with Helm's own dry run of an installation."""

import re
import tempfile
from pathlib import Path

import helm_python
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

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
KINDS = [*documents.INSTALL_ORDER, "Server", "AuthorizationPolicy", "Certificate", "zebra"]
FILES = ["a.yaml", "a-b.yaml", "b.yaml", "service-a.yaml"]
DOCUMENTS = st.lists(st.tuples(st.sampled_from(FILES), st.sampled_from(KINDS)), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def helm():
    with helm_python.Config(kubeconfig_content=KUBECONFIG, storage_driver="memory") as config:
        yield config


@settings(max_examples=200)
@given(drawn=DOCUMENTS)
def test_documents_are_ordered_and_framed_as_by_helm(helm, drawn):
    texts = dict.fromkeys(FILES, "")
    for number, (file, kind) in enumerate(drawn):
        texts[file] += f"---\napiVersion: v1\nkind: {kind}\nmetadata:\n  name: n{number}\n"
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "templates").mkdir()
        Path(directory, "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.0.0\n")
        for file, text in texts.items():
            Path(directory, "templates", file).write_text(text)
        printed = helm.install(directory, "r", {}, dry_run="client")["manifest"]
    ours = "".join(documents.framed("c", f"templates/{file}", text) for file, text in documents.ordered(texts))
    assert ours == re.sub("\n\n+", "\n", printed)


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
    "text, split", [("---\n---\na", ["---\na"]), ("a\n \n---\n \nb\r\n--- c\n", ["a", "b", "c\n"]), ("---\n", [])]
)
def test_documents_are_split_as_by_helm(text, split):
    assert documents.documents(text) == split
