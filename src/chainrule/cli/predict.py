"""`chainrule predict`: what a saved model says about each row of a CSV file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import click

from chainrule.cli.errors import check_file

if TYPE_CHECKING:
    from chainrule.models import SavedModel
    from chainrule.tables import Table


@click.command(short_help="Let a saved model predict each row of a CSV file.")
@click.argument("model")
@click.argument("table", metavar="CSV")
@click.option("-o", "--output", help="Where to write the rows with their predictions; to standard output by default.")
def predict(model: str, table: str, output: str | None) -> None:
    """Let MODEL, a model.json, predict a class or a number for each row of a CSV file.

    The columns are found by their names; those that the model does not use are passed through. If the column that the model predicts
    is there too, the accuracy is told.
    """
    from chainrule.files import write_atomically
    from chainrule.models import ModelFileError, load_model
    from chainrule.tables import read_table

    if output is not None:
        check_file(output)
    saved = load_model(model)
    if saved.feature_names is None or saved.task is None or saved.target_name is None:
        raise ModelFileError(f"{model}: this model does not say what its inputs are called or what it predicts; train one with `train`")
    rows = read_table(table)
    _check_columns(saved, rows, model)
    features = rows.floats(saved.feature_names)
    truth = _truth(saved, rows)
    predictions = [saved.predict(row) for row in features]
    text = _as_csv(rows, f"predicted_{saved.target_name}", [_told(saved, prediction) for prediction in predictions])
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomically(output, text.encode())
        click.echo(f"{len(predictions)} predictions in {output}", err=True)
    if truth is not None:
        from chainrule.cli.scores import in_words, scores

        told = in_words(scores(saved.task, predictions, truth))
        click.echo(f"{told} on {len(truth)} rows, by their column {saved.target_name!r}", err=True)


def _check_columns(saved: SavedModel, table: Table, model: str) -> None:
    from chainrule.tables import DataError

    features = saved.feature_names or []
    missing = [name for name in features if name not in table.columns]
    unknown = [name for name in table.columns if name not in features and name != saved.target_name]
    if missing:
        also = f"; not known to the model: {', '.join(map(repr, unknown))}" if unknown else ""
        raise DataError(f"{table.path}, row 1: columns that {model} needs are missing: {', '.join(map(repr, missing))}{also}")
    if unknown:
        click.echo(f"not used by the model: {', '.join(map(repr, unknown))}", err=True)


def _truth(saved: SavedModel, table: Table) -> list[int] | list[float] | None:
    """What the predictions should be, if the table says it."""
    from chainrule.data import class_targets

    label = saved.target_name or ""
    if label not in table.columns or not any(table.texts(label)):
        return None
    if saved.class_names is not None:
        return class_targets(table, label, saved.class_names)[0]
    return [row[0] for row in table.floats([label])]


def _told(saved: SavedModel, prediction: float) -> str:
    return saved.class_names[int(prediction)] if saved.class_names is not None else repr(prediction)


def _as_csv(table: Table, column: str, predictions: list[str]) -> str:
    kept = [i for i, name in enumerate(table.columns) if name != column]  # predictions of an earlier run are replaced
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(table.columns[i] for i in kept), column])
    for cells, prediction in zip(table.rows, predictions, strict=True):
        writer.writerow([*(cells[i] for i in kept), prediction])
    return text.getvalue()
