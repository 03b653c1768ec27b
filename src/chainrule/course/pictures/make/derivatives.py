"""The picture of exercise 0: chords to one side and to both, and their errors for each h."""

from __future__ import annotations

import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from chainrule.pictures import CARD, INK, LOOKS

ONE_SIDE, BOTH = LOOKS["parameter"].line, LOOKS["result"].line
X, TRUE = 2.0, 12.0
LABEL = "left: chords to one side and to both sides of a point of x cubed; right: the error of both for each h, least near 1e-6"


def f(x: float) -> float:
    """The function of the picture."""
    return x * x * x


def make(folder: Path) -> None:
    """Write the picture into a folder."""
    look = {
        "svg.hashsalt": "chainrule",
        "svg.fonttype": "path",
        "font.size": 10.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.facecolor": CARD,
        "figure.facecolor": CARD,
    }
    with plt.rc_context(look):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 4.1), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.13, h_pad=0.11)
        chords(left)
        errors(right)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        plt.close(figure)
    (folder / "00_derivatives.svg").write_text(tidied(drawn.getvalue(), LABEL), encoding="utf-8")


def tidied(svg: str, label: str) -> str:
    """Matplotlib's SVG with a size in pixels and a label, and without what it says of itself."""
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" style="max-width:100%;height:auto" role="img" aria-label="{label}">\n'
    )
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|^ +", "", svg[svg.index("<metadata>") :], flags=re.DOTALL | re.MULTILINE)
    return head + re.sub(r"\n\s*\n+", "\n", body).strip() + "\n"


def chords(axes: plt.Axes) -> None:
    """The curve, its tangent, and the two chords for a large h."""
    h = 0.75
    xs = [0.95 + i * 0.05 for i in range(41)]
    axes.plot(xs, [f(x) for x in xs], color=INK, linewidth=2)
    ends = (0.95, 2.95)
    axes.plot(
        ends, [f(X) + TRUE * (x - X) for x in ends], color="#6b7580", linewidth=1.2, linestyle=(0, (4, 3)), label="slope of the curve: 12"
    )
    axes.plot((X - h, X + h), (f(X - h), f(X + h)), color=BOTH, marker="o", label=f"to both sides: {(f(X + h) - f(X - h)) / (2 * h):.2f}")
    axes.plot((X, X + h), (f(X), f(X + h)), color=ONE_SIDE, marker="o", label=f"to one side: {(f(X + h) - f(X)) / h:.2f}")
    axes.plot(X, f(X), "o", color=INK)
    axes.set_xticks((X - h, X, X + h), ("x − h", "x", "x + h"))
    axes.set(title="x³ at x = 2, with h = 0.75", ylabel="f", ylim=(-5, 27))
    axes.legend(loc="upper left", frameon=False)


def errors(axes: plt.Axes) -> None:
    """How far either formula is from the truth, for each h."""
    hs = [10 ** (-i / 4) for i in range(2, 61)]
    one = [max(abs((f(X + h) - f(X)) / h - TRUE), 1e-12) for h in hs]
    both = [max(abs((f(X + h) - f(X - h)) / (2 * h) - TRUE), 1e-12) for h in hs]
    axes.loglog(hs, one, color=ONE_SIDE, linewidth=1.6, label="to one side")
    axes.loglog(hs, both, color=BOTH, linewidth=1.6, label="to both sides")
    axes.axvline(1e-6, color="#6b7580", linewidth=1, linestyle=(0, (4, 3)))
    axes.text(1.4e-6, 3e-12, "h = 1e-6", color="#6b7580")
    axes.text(2e-14, 2e-7, "rounding", color=INK)
    axes.text(1.5e-3, 5e-10, "the bend of\nthe curve", color=INK)
    axes.minorticks_off()
    axes.set_xticks([10.0**-i for i in range(15, -1, -3)])
    axes.set(title="how far the result is from 12", xlabel="h", ylabel="error", ylim=(1e-12, 1e2))
    axes.legend(loc="upper left", bbox_to_anchor=(0.14, 1.0), frameon=False)


if __name__ == "__main__":
    make(Path(__file__).parent.parent)
