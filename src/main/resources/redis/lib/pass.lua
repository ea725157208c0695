-- Lets a script that only removes or ends something run on a full Redis: Redis checks maxmemory until a script's first write. This first
-- write changes nothing and cannot grow, so it passes, and with it all later writes.
-- Reads: key_session
redis.call('HDEL', key_session, '~')
