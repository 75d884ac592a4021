### 组件用词。

here = 当前位置
steps = 步骤

urgency-emergency = 紧急
urgency-urgent = 加急
urgency-soon = 尽快
urgency-routine = 常规

clock-left = 剩余 { $span }
clock-left-of = { $all }内，剩余 { $span }
clock-over = 超时 { $span }
clock-paused = 已暂停
clock-answered = 按时答复
clock-answered-late = 超时 { $span }答复

sex-male = 男
sex-female = 女
sex-other = 其他性别
sex-unknown = 性别不详
sex-short-male = 男
sex-short-female = 女
sex-short-other = 其他
sex-short-unknown = 不详

banner-patient = 患者
banner-born = 出生
banner-deceased = 去世
banner-allergies = 过敏
banner-no-allergies = 无记录
banner-custodian = 保存于
banner-language = 语言
banner-pseudonym = 以此代替患者姓名

permit-label = 许可
permit-refused = 拒绝
permit-why = 为什么？
permit-agreement = 协议
permit-read-agreement = 阅读协议

form-problems = 有 { $n } 处需要更正

list-filter = 筛选列表
list-apply = 应用
pager-label = 列表分页
pager-of = 显示 { $n } 项，共 { $all } 项
pager-shown = 显示 { $n } 项
pager-previous = 上一页
pager-next = 下一页

state-loading = 正在载入
state-too-many = 过多，无法全部显示

plot-numbers = 具体数值
