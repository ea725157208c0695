-- The one formatter of the packed session state. version, last_seq and updated_at are text, as other parts write them too.
-- Reads: format, tag, version, last_seq, count, bytes, expires_at, updated_at, ttl, status, keys_until, created_at, user
-- Leaves: line (from version to updated_at), state
--
-- Whole numbers by '%d': exact to 2^53 where a long has 64 bits, which schema/write makes sure of, and a quarter of the price of '%.0f'.
local line = version .. ' ' .. last_seq .. format(' %d %d %d ', count, bytes, expires_at) .. updated_at
local state = tag .. ' ' .. line .. ' ' .. ttl .. ' ' .. status .. ' ' .. keys_until .. ' ' .. created_at .. ' ' .. user
