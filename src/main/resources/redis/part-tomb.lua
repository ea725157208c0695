-- Part of what ends a session: empties it and leaves its hash as a tombstone for 24 h, which says why
-- it is gone and lets a session of that id that starts anew go on counting versions.
local function tomb(why, version, tag, user)
  redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
  redis.call('HSET', KEYS[1], 'v', version, 't', tag, 'g', why)
  if user and user ~= '' then redis.call('HSET', KEYS[1], 'u', user) end
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', now + 86400000))
  redis.call('ZREM', KEYS[9], 'x:' .. ARGV[5])
end
