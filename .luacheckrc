-- What Redis gives a script, and the numbers that ScriptSource puts in.
std = "lua51"
read_globals = {
  "cmsgpack", "redis", "KEYS", "ARGV",
  "RECORD_MILLIS", "TOMB_MILLIS", "KEYS_LEFT_MILLIS", "KEYS_MORE_MILLIS", "LEASE_MARGIN_MILLIS", "BUILD_MILLIS",
  "MAX_CHANGES", "MAX_NOTES", "ENDED_TURNS", "PART_WIDTH", "PUBLISHED_BYTES", "UNPACK_MOST",
}
unused_secondaries = false
max_line_length = 160
