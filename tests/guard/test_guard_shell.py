"""The shell on strings: what a program would be given, as a real shell gives it."""

from __future__ import annotations

import subprocess

import pytest

from journeyman.guard import Subject
from journeyman.guard.holes import is_known
from journeyman.guard.programs.registry import find_program
from journeyman.guard.rules import DefaultRules
from journeyman.guard.shell.machine import Machine
from journeyman.guard.world import World


def output_of(text: str) -> str:
    world = World(Subject("acme/widgets"), files={})
    return Machine(world, DefaultRules(), find_program, takes_else=True).run(text)


# Every text is run by a real bash too, and both must print the same.
TEXTS = [
    "echo a  b   'c  d' \"e  f\"",
    "echo g\\it 'cl'\"on\"e $'\\x67it' $'a\\tb'",
    'x=a; y=b; echo "$x/$y" ${x}c \'$x\' "\\$x"',
    "x='a b'; echo $x \"$x\"; set -- $x; echo $# $2",
    "x=hello; echo ${x:1:3} ${x#h} ${x%o} ${x/l/L} ${x//l/L} ${x^} ${x^^} ${#x}",
    "x=a.b.c; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.}",
    "echo ${none:-fallback} ${none-f} ${none:+x}; x=1; echo ${x:+set} ${x:-no}",
    "a=(x 'y z' w); echo ${a[1]} ${#a[@]} \"${a[@]:1}\"; a+=(v); echo ${a[3]}",
    "declare -A m=([k]=v [l]=w); echo ${m[k]} ${m[l]}",
    "n=x; x=deep; echo ${!n}",
    "echo {a,b}{1,2} {1..4} x{y,z}w",
    "echo $(echo a $(echo b)) `echo c`",
    'f() { echo "$1-$2"; }; f a b; f $(echo c d)',
    "for i in a b c; do echo -n $i; done; echo",
    "for ((i=0;i<3;i++)); do echo -n $i; done; echo",
    "while read a b; do echo $b $a; done <<< 'x y'",
    "printf 'p q\\nr s\\n' | while read a b; do echo $b$a; done",
    "cat <<E\nx $((1+2)) $(echo y)\nE\necho after",
    "x=v; cat <<'E'\n$x Each line\nE",
    "cat <<E1 | rev\nabc\nE1",
    "cat <<-E\n\ttabbed\n\tE\necho end",
    'echo "$(cat <<\'EOF\'\nit\'s (a "quote"\nEOF\n)"',
    "echo abc | rev | tr a-c A-C",
    "echo aGVsbG8= | base64 -d; echo; echo 6869 | xxd -r -p; echo",
    "printf '%s-%s\\n' a b c d; printf '\\x41\\n'; printf -v v '%s' z; echo $v",
    "echo 'a:b:c' | cut -d: -f2; echo abc | cut -c2-",
    "printf '1\\n2\\n3\\n' | head -2 | tail -1",
    "echo 'a b c' | awk '{print $2, $1}'",
    "echo aXb | sed 's/X/-/; s/b/c/'",
    "printf 'a\\nb\\n' | xargs echo; printf 'a\\nb\\n' | xargs -I@ echo [@]",
    "eval 'x=1; echo $x'; bash -c 'echo $0 $1' p q",
    "case abc in x*) echo no;; a*) echo yes;; esac",
    "echo a && echo b; { echo c; echo d; } | tr cd CD",
    '(x=1; echo $x); echo "[$x]"',
    "IFS=,; x=a,b; set -- $x; echo $2",
    "read -r a b <<< '1 2 3'; echo $b",
    "mapfile -t l <<< $'p\\nq'; echo ${l[1]}",
    "echo one \\\n  two",
    "true # comment 'with a quote\necho after",
    "set -- a b c; echo ${@:2} ${@:1:1} ${*:3}; shift; echo $1",
    "a=(p q r s); echo ${a[@]:1:2} ${a[-1]} ${!a[@]}",
    "echo $((2+3)) $(( 7 - 2 )); x=4; echo $((x+1))",
    "f() { local x=2; g; }; g() { echo $x; }; f",
    "echo 'x y' | { read a b; echo $b; }",
    "x=$(printf 'a\\nb'); echo \"$x\"",
    "echo a > /dev/null; echo b 2>&1",
    "alias e='echo al'; true",
    "for x in $(seq 1 3); do echo $x; done | tac",
    "printf '%s\\n' a b | tee /dev/null | paste -sd,",
    "echo abc | cut -c1 | tr a z; echo 'a,b' | tr , '\\n'",
    "sort <<< $'b\\na'; printf 'a\\na\\n' | uniq",
    "basename /a/b.txt .txt; dirname /a/b",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_machine_prints_what_bash_prints(text: str) -> None:
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, cwd="/", check=False
    )
    assert output_of(text) == done.stdout


@pytest.mark.parametrize("text", ["date", "cat unseen.txt", "echo $HOSTNAME", "ls | wc -l"])
def test_what_only_the_machine_knows_is_a_hole(text: str) -> None:
    assert not is_known(output_of(text))
