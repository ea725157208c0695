-- Formats the state of a session that had no write.
-- Reads: packed, updated_place, what pack reads
-- Leaves: updated_at, what pack leaves
local updated_at = string.match(packed, '^%d+', updated_place)
-- #include pack
