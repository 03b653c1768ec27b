"""`chainrule predict`: the predictions of a saved model for the rows of a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chainrule.cli.errors import check_file
from chainrule.foreign import clean, quoted, several

if TYPE_CHECKING:
    from chainrule.models import SavedModel
    from chainrule.tables import Table


@click.command(short_help="Predict each row of a CSV file with a saved model.")
@click.argument("model")
@click.argument("table", metavar="CSV")
@click.option("-o", "--output", help="The file for the rows with their predictions; standard output by default.")
def predict(model: str, table: str, output: str | None) -> None:
    """Predict a class or a number for each row of a CSV file with MODEL, a model.json.

    The columns are found by their names; those that the model does not use are written to the output unchanged. If the table has the column
    that the model predicts, the predictions are compared with the labels that the model knows.

    A text that a spreadsheet would run as a formula gets an apostrophe before it. On standard output, control characters are escaped as in
    Python, such as \\x1b; in a file, they stay as they are.
    """
    from chainrule.files import write_atomically
    from chainrule.models import ModelFileError, load_model
    from chainrule.tables import read_table

    if output is not None:
        check_file(output)
    saved = load_model(model)
    if saved.feature_names is None or saved.task is None or saved.target_name is None:
        raise ModelFileError(
            f"{clean(model)}: this model does not say what its inputs are called or what it predicts; train one with `chainrule train`"
        )
    rows = read_table(table)
    _check_columns(saved, rows, model)
    features = rows.floats(saved.feature_names)
    predictions = [saved.predict(row) for row in features]
    text = _as_csv(rows, f"predicted_{saved.target_name}", [_told(saved, prediction) for prediction in predictions])
    if output is None:
        click.echo(clean(text, lines=True, longest=10 * len(text)), nl=False)
    else:
        write_atomically(output, text.encode(errors="backslashreplace"))
        click.echo(f"{len(predictions)} predictions in {clean(output)}", err=True)
    if saved.target_name in rows.columns and any(rows.texts(saved.target_name)):
        click.echo(_compared(saved, rows, predictions), err=True)


def _check_columns(saved: SavedModel, table: Table, model: str) -> None:
    from chainrule.tables import DataError

    features = saved.feature_names or []
    there, used = set(table.columns), {*features, saved.target_name}
    missing = [name for name in features if name not in there]
    unknown = [name for name in table.columns if name not in used]
    if missing:
        also = f"; not known to the model: {several(unknown)}" if unknown else ""
        raise DataError(f"{clean(table.path)}, row 1: columns that {clean(model)} needs are missing: {several(missing)}{also}")
    if unknown:
        click.echo(f"not used by the model: {several(unknown)}", err=True)


def _compared(saved: SavedModel, table: Table, predictions: list[float]) -> str:
    """Say how good the predictions are on the rows whose label is known, and what the other rows hold."""
    from chainrule.cli.scores import in_words, scores
    from chainrule.labels import known_labels

    column = quoted(saved.target_name)
    known = known_labels(table, saved.target_name or "", saved.class_names)
    if not known.rows:
        return f"no row has a label to compare with, in the column {column}: {known.rest}"
    found = in_words(scores(saved.task or "", [predictions[row] for row in known.rows], known.targets))
    count = "1 row" if len(known.rows) == 1 else f"{len(known.rows)} rows"
    told = f"{found} on {count}{f' of {len(table.rows)}' if known.rest else ''}, by their column {column}"
    return f"{told}; {known.rest}" if known.rest else told


def _told(saved: SavedModel, prediction: float) -> str:
    return saved.class_names[int(prediction)] if saved.class_names is not None else repr(prediction)


def _as_csv(table: Table, column: str, predictions: list[str]) -> str:
    from chainrule.tables import write_table

    kept = [i for i, name in enumerate(table.columns) if name != column]  # predictions of an earlier run are replaced
    header = [*(table.columns[i] for i in kept), column]
    return write_table([header, *([*(cells[i] for i in kept), said] for cells, said in zip(table.rows, predictions, strict=True))])
