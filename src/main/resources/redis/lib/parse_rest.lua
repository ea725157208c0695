-- The rest of the packed session state, which reads do without.
-- Reads: packed, updated_place
-- Leaves: ttl, status, keys_until, created_at, user
local ttl, status, keys_until, created_at, user = string.match(packed, '^%d+ (%d+) (%S+) (%d+) (%d+) (.*)$', updated_place)
