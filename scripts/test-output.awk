# Reads what `bun test` prints and prints what matters: everything but passed tests and the headings of files that have
# nothing else to say. Each failed test is also written, with the lines that came before it, to the file named `failures`.

function flush_heading() {
  if (heading != "") print heading
  heading = ""
}

# The list that Bun repeats at the end of a run.
/^[0-9]+ tests? failed:$/ { listing = 1 }
/^ *[0-9]+ pass$/ { listing = 0 }

# The name of a passed test may go over several lines, and ends with its time.
/^\((pass|skip|todo)\)/ {
  lines = 0
  within_passed = !/\[[0-9.]+m?s\]$/ && /\{|\[/
  if (/^\((skip|todo)\)/) print
  next
}
within_passed && !/^\(/ && !/\.test\.ts:$/ {
  if (/\[[0-9.]+m?s\]$/) within_passed = 0
  next
}
{ within_passed = 0 }

/\.test\.ts:$/ { heading = file = $0; lines = 0; next }
/^$/ && heading != "" { next }

{ flush_heading(); print; fflush() }

/^\(fail\)/ {
  if (!listing) {
    print file >> failures
    for (i = lines > 60 ? lines - 60 : 0; i < lines; i++) print recent[i % 60] >> failures
    print >> failures
    fflush(failures)
  }
  lines = 0
  next
}
{ recent[lines++ % 60] = $0 }
