-- The session's next version, which slides its end.
-- Reads: format, now, stamp, new_tag, tag, version, ttl, least, expires_at
-- Leaves: updated_at
local updated_at = stamp
tag, version = new_tag, format('%d', version + 1)
expires_at = now + ttl * 1000
if expires_at < least then expires_at = least end
