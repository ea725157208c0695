-- The one formatter of the packed session state. version, last_seq and updated_at must be text.
-- Reads: format, tag, version, last_seq, count, bytes, expires_at, updated_at, ttl, status, keys_until, created_at, user
-- Leaves: line (from version to updated_at), state
--
-- '%d' is exact up to 2^53 on 64 bits, which schema/write ensures, and costs a quarter of '%.0f'.
local line = version .. ' ' .. last_seq .. format(' %d %d %d ', count, bytes, expires_at) .. updated_at
local state = tag .. ' ' .. line .. ' ' .. ttl .. ' ' .. status .. ' ' .. keys_until .. ' ' .. created_at .. ' ' .. user
