-- Refuses, with TRYAGAIN, to remove and recreate keys while their slot moves: the source node cannot recreate a removed key and the
-- target cannot rename one, so the write would be torn. Only such a node refuses a request for two keys that do not exist.
-- Reads: key_session
-- Leaves: nobodys
local nobodys = string.gsub(key_session, '}:s:', '}:none:', 1)
if type(redis.pcall('EXISTS', nobodys, nobodys .. '/')) ~= 'number' then
  return redis.error_reply('TRYAGAIN the slot moves')
end
