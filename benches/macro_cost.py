#!/usr/bin/env python3
"""Measures what `#[http_api]` costs at compile time, compared with a hand-written client.

    benches/macro_cost.py [--operations 100] [--rounds 5] [--base REVISION]

Each variant is a package with the same operations of 5 arguments each. All variants are checked in turn in each round, and
the medians of the CPU time (user and system) of `cargo check` are printed, without dependencies. `lines` are those of one
operation after expansion, as rustc prints them, without those of the annotated trait. `--base` adds the macro of another
revision, which is checked out in a temporary worktree.

The hand-written client has one method per operation over reqwest: no trait, no fake, no retries, no service.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parent.parent

TYPES = """
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Thing {
    pub id: String,
    pub name: String,
    pub tags: Vec<String>,
}
"""

OPERATION = """
    /// Stores a thing.
    #[post("/things/{{id}}/operation_{number}")]
    async fn operation_{number}(
        &self,
        id: &str,
        #[query] limit: Option<u32>,
        #[header("x-tenant")] tenant: &str,
        #[field] name: &str,
        #[field] tags: &[String],
    ) -> Result<Option<Thing>>;
"""

BY_HAND = """
    /// Stores a thing.
    pub async fn operation_{number}(
        &self,
        id: &str,
        limit: Option<u32>,
        tenant: &str,
        name: &str,
        tags: &[String],
    ) -> Result<Option<Thing>, reqwest::Error> {{
        #[derive(serde::Serialize)]
        struct Body<'a> {{
            name: &'a str,
            tags: &'a [String],
        }}
        let url = format!("{{}}/v1/things/{{}}/operation_{number}", self.address, urlencoding(id));
        let mut request = self.http.post(url).header("x-tenant", tenant).json(&Body {{ name, tags }});
        if let Some(limit) = limit {{
            request = request.query(&[("limit", limit)]);
        }}
        let response = request.send().await?.error_for_status()?;
        if response.status() == reqwest::StatusCode::NO_CONTENT {{
            return Ok(None);
        }}
        response.json().await.map(Some)
    }}
"""

CLIENT_BY_HAND = """
pub struct Things {
    http: reqwest::Client,
    address: String,
}

fn urlencoding(text: &str) -> String {
    text.replace('/', "%2F")
}

impl Things {"""


def by_attribute(arguments, size):
    """The code of a contract with `size` operations."""
    trait = "".join(OPERATION.format(number=number) for number in range(size))
    attribute = f'#[wiretrait::http_api(prefix = "/v1", module = things, {arguments})]'
    return f"use wiretrait::Result;\n{TYPES}\n{attribute}\npub trait Things {{{trait}}}\n"


def by_hand(size):
    """The code of a client with `size` methods."""
    return TYPES + CLIENT_BY_HAND + "".join(BY_HAND.format(number=number) for number in range(size)) + "}\n"


class Variant:
    """A package, its code and its figures."""

    def __init__(self, name, folder, dependency, code):
        self.name, self.folder, self.code, self.seconds = name, folder, code, []
        (folder / "src").mkdir(parents=True)
        manifest = (
            '[package]\nname = "measured"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n'
            f'{dependency}\nserde = {{ version = "1", features = ["derive"] }}\n\n[workspace]\n'
        )
        (folder / "Cargo.toml").write_text(manifest)
        shutil.copy(WORKSPACE / "Cargo.lock", folder)

    def cargo(self, code, *arguments):
        """Runs cargo on `code`. Returns its CPU seconds and its output."""
        (self.folder / "src/lib.rs").write_text(code)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run(
            [os.environ.get("CARGO", "cargo"), *arguments],
            cwd=self.folder,
            env={**os.environ, "CARGO_INCREMENTAL": "0", "RUSTC_BOOTSTRAP": "1"},
            capture_output=True,
            text=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if run.returncode != 0:
            sys.exit(f"{self.name}: {run.stderr}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.stdout

    def lines(self, size=4):
        """Returns the lines of an operation after expansion, without those of the annotated method."""
        expand = ("rustc", "--offline", "--profile", "check", "--", "-Zunpretty=expanded")
        few, many = (self.cargo(self.code(count), *expand)[1].count("\n") for count in (size, 2 * size))
        written = self.code(size + 1).count("\n") - self.code(size).count("\n")
        return (many - few) // size - written


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=100, help="number of operations")
    parser.add_argument("--rounds", type=int, default=5, help="number of checks of each variant")
    parser.add_argument("--base", metavar="REVISION", help="also measures the macro of this revision")
    parser.add_argument("--only", metavar="TEXT", default="", help="measures only variants whose name has this text")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        os.environ.setdefault("CARGO_TARGET_DIR", str(WORKSPACE / "target/macro-cost"))
        base = folder / "base"
        worktree = ["git", "-C", str(WORKSPACE), "worktree"]
        if options.base:
            subprocess.run([*worktree, "add", "--quiet", "--detach", str(base), options.base], check=True)
        try:
            measure(options, folder, base)
        finally:
            if options.base:
                subprocess.run([*worktree, "remove", "--force", str(base)], check=True)


def measure(options, folder, base):
    """Measures all variants, and prints a table."""
    reqwest = 'reqwest = { version = "0.13", default-features = false, features = ["json", "query"] }'
    this = f'wiretrait = {{ path = "{WORKSPACE}/wiretrait" }}'
    variants = [
        ("hand-written, reqwest", reqwest, by_hand),
        ("both halves", this, lambda size: by_attribute("client = Client", size)),
        ("`client_only`", this, lambda size: by_attribute("client = Client, client_only", size)),
        ("`server_only`", this, lambda size: by_attribute("server_only", size)),
    ]
    if options.base:
        dependency = f'wiretrait = {{ path = "{base}/wiretrait" }}'
        both = (f"both halves, {options.base}", dependency, lambda size: by_attribute("client = Client", size))
        variants.insert(1, both)
    variants = [
        Variant(name, folder / str(number), dependency, code)
        for number, (name, dependency, code) in enumerate(variants)
        if options.only in name
    ]
    for variant in variants:
        print(f"check of the dependencies of {variant.name}", file=sys.stderr)
        variant.cargo(variant.code(1), "check")
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        for variant in variants:
            # The comment makes cargo check the package again.
            code = f"{variant.code(options.operations)}\n// round {number}\n"
            variant.seconds.append(variant.cargo(code, "check", "--offline")[0])
    first = statistics.median(variants[0].seconds)
    print(f"\n`cargo check` of {options.operations} operations, median of {options.rounds} rounds:\n")
    print(f"| variant | CPU s | ÷ {variants[0].name} | lines per operation |\n|---|---|---|---|")
    for variant in variants:
        seconds = statistics.median(variant.seconds)
        print(f"| {variant.name} | {seconds:.2f} | {seconds / first:.2f} | {variant.lines()} |")


if __name__ == "__main__":
    main()
