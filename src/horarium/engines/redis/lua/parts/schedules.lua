-- What firings change of a schedule is kept beside its record, as "version;active;next;last;total;missed;owner;id".
local function read_state(name)
  local text = redis.call('HGET', K .. 'schx', name)
  if not text then return nil end
  local s = {}
  s.version, s.active, s.next, s.last, s.total, s.missed, s.owner, s.id =
    string.match(text, '^(%d+);(%d);(%-?%d*);(%-?%d*);(%d+);(%d+);(%a*);(.*)$')
  return s
end

local function write_state(name, s)
  redis.call('HSET', K .. 'schx', name,
    table.concat({s.version, s.active, s.next, s.last, s.total, s.missed, s.owner, s.id}, ';'))
  if s.active == '1' and s.next ~= '' then
    redis.call('ZADD', K .. 'due', s.next, name)
  else
    redis.call('ZREM', K .. 'due', name)
  end
end
