-- The session's next version, which slides its end.
-- Reads: format, now, stamp, new_tag, tag, version, ttl, least, expires_at, updated_at
tag, version, updated_at = new_tag, format('%d', version + 1), stamp
expires_at = now + ttl * 1000
if expires_at < least then expires_at = least end
