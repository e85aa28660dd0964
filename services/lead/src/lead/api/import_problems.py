"""What is refused of a list of leads as a whole; what is wrong with a row stands in its result."""

from roadbook.http.problems import ProblemType

IMPORT = (
    ProblemType(
        "import_refused",
        400,
        "Import refused",
        "The file cannot be read on from `row` (from 1; 0 is the header). `reason` says why: `not_gzip`, "
        "`gzip_cut_short`, `not_utf8`, `nul`, `no_header`, `unknown_column`, `column_twice`, `row_id_missing` "
        "(`column` says where), `malformed_csv`, `quote_not_closed`. The rows before were taken, `import` tells more.",
        "Correct the file and send all of it again: rows that were taken are known.",
        False,
    ),
    ProblemType(
        "import_too_large",
        413,
        "Import too large",
        "At `row` the file goes beyond a limit: 256 MiB as sent (`content_too_large`), 1 GiB decompressed "
        "(`too_large`), a million rows (`too_many_rows`), 64 KiB in a row (`line_too_long`), 100 columns "
        "(`too_many_columns`). The rows before it were taken, and `import` has their results.",
        "Split the file. Rows that were taken are known when they come again.",
        False,
    ),
    ProblemType(
        "import_too_slow",
        408,
        "Import too slow",
        "The file came slower than 64 KiB in 30 seconds, or took more than an hour to send. The rows before `row` were "
        "taken, and `import` has their results.",
        "Send the file again on a better connection, compressed or in parts: rows that were taken are known.",
        True,
    ),
)
