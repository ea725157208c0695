-- The arguments of a turn's writes, after those of write.
-- KEYS: @write, thread, ids, changes, turn (its record), log, turns_due, record?
-- ARGV: @write, turn_id, part (its random part)
-- Reads: KEYS, ARGV
-- Leaves: key_thread, key_ids, key_changes, key_turn, key_log, key_turns_due, turn_id, part
local key_thread, key_ids, key_changes, key_turn, key_log, key_turns_due = unpack(KEYS, 3, 8)
local turn_id, part = unpack(ARGV, 7, 8)
