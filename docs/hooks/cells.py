"""Run the cells of an exercise one after the other, and report what each prints and which pictures it draws.

Standard input holds their code, as a list in JSON. Standard output gets, for each, the texts that it prints, the pictures that it draws
between them, and the error that ends it, if one does.
"""

import contextlib
import io
import json
import re
import sys
import traceback

told, names = [], {"__name__": "__main__"}
for number, code in enumerate(json.load(sys.stdin)):
    printed, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"<cell {number}>", "exec"), names)
    except Exception:
        error = traceback.format_exc()
    parts = re.split(r"^picture: pictures/(.+)\n", printed.getvalue(), flags=re.MULTILINE)
    told.append({"texts": parts[::2], "pictures": parts[1::2], "error": error})
json.dump(told, sys.stdout)
