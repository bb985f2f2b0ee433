-- What schedules have sent and what has not ended: ``sent`` says of each such message "nominal;schedule", and
-- ``a:SCHEDULE`` is the set of its ids. A message without a schedule stands in neither.
local function enter(id, of)
  redis.call('HSET', K .. 'sent', id, of)
  redis.call('SADD', K .. 'a:' .. string.match(of, ';(.*)$'), id)
end

local function leave(id)
  local of = redis.call('HGET', K .. 'sent', id)
  if not of then return nil end
  redis.call('HDEL', K .. 'sent', id)
  local nominal, name = string.match(of, '^(%-?%d*);(.*)$')
  if name then redis.call('SREM', K .. 'a:' .. name, id) end
  return name, nominal
end

-- Note that messages have ended, and tell their schedules: see tell().
local function end_runs(ids, how, now)
  local left, by_name, names, nominals = {}, {}, {}, {}
  for i, of in ipairs(fetched(K .. 'sent', ids)) do
    local nominal, name = string.match(of or '', '^(%-?%d*);(.*)$')
    if of then left[#left + 1] = ids[i] end
    if name then
      if not by_name[name] then
        by_name[name] = {}
        names[#names + 1] = name
      end
      table.insert(by_name[name], ids[i])
      nominals[ids[i]] = nominal
    end
  end
  chunked('HDEL', K .. 'sent', left)
  learn_states(names)
  for _, name in ipairs(names) do
    chunked('SREM', K .. 'a:' .. name, by_name[name])
    for _, id in ipairs(by_name[name]) do tell(name, nominals[id], how, now) end
  end
end

-- Take over what a version that kept no such account has sent and what has not ended.
local function adopt(name)
  local ids = redis.call('ZRANGE', K .. 'i:h:' .. name, 0, -1)
  for i, record in ipairs(fetched(K .. 'rec', ids)) do
    local message = string.sub(record or '', 1, 3) ~= '[2,' and redis.call('HGET', K .. 'msg', ids[i])
    if message and redis.call('HEXISTS', K .. 'sent', ids[i]) == 0 then
      local is_json, read = pcall(cjson.decode, string.match(message, '^[^;]*;[^;]*;[^;]*;(.*)$') or '')
      local nominal = is_json and type(read) == 'table' and tonumber(read.nominal)
      enter(ids[i], (nominal and string.format('%.0f', nominal) or '') .. ';' .. name)
    end
  end
end

-- The ids of what a schedule has sent and what has not ended. Each is compared with its record, so that one that was
-- ended behind our back (by a worker of an older version, say) stops its schedule no longer than until it is counted.
local function active_of(name, state)
  if state.held == '' then
    adopt(name)
    state.held, changed[name] = '0', true
  end
  local active, ids = {}, redis.call('SMEMBERS', K .. 'a:' .. name)
  for i, record in ipairs(fetched(K .. 'rec', ids)) do
    if string.sub(record or '', 1, 3) ~= '[2,' and redis.call('HEXISTS', K .. 'msg', ids[i]) == 1 then
      active[#active + 1] = ids[i]
    else
      leave(ids[i])
      redis.call('SREM', K .. 'a:' .. name, ids[i])
    end
  end
  return active
end
