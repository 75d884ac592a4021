### 登录、个人资料、人员与医院。

sign-in-lead = 本节点服务 { $n } 家医院。登录后请选择您代表的医院和角色。
sign-in-login = 工作邮箱或工号
sign-in-password = 密码
sign-in-code = 动态验证码
sign-in-code-hint = 身份验证器上的六位数字；未设置者留空。
sign-in-code-or-recovery = 身份验证器上的六位数字，或您的一个恢复码。
sign-in-cannot = 无法登录
sign-in-wrong = 账号、密码或验证码不正确。请检查键盘输入法。
sign-in-wait = 尝试次数过多。请在 { $n } 分钟后再试，或联系管理员。
sign-in-go-on = 继续
sign-in-other = 换一个账号登录
sign-in-back = 返回登录
sign-in-patient = 我是患者
sign-in-patient-text = 请用医院登记的地址在此登录。还没有账号的，可向医院提出，由医院发送邀请。
sign-in-before = 登录之前
sign-in-before-text = 每次查阅患者病历都会留下记录，患者本人可以看到。
sign-in-help-password = 忘记密码：请本院管理员发给您新的链接，由您重设密码。第二验证方式保持不变。
sign-in-help-code = 手机丢失：请使用设置第二验证方式时得到的恢复码。没有恢复码的，由管理员核实身份后重置。
sign-in-help-locked = 连续八次输入错误后，账号关闭 15 分钟。

choose-title = 代表
choose-lead = 您能看到什么、能做什么，取决于所代表的医院和角色。可随时更换。
choose-legend = 医院与角色
choose-only = 仅作为{ $role }
choose-network = 网络本身
choose-go = 继续
choose-missing = 请选择一项。
choose-none = 您目前在任何医院都没有有效的角色。可能已到期或被暂停，请联系管理员。

invitation-title = 欢迎
invitation-renew = 重新设置登录
invitation-lead = { $name }，请为您在{ $hospital }的账号设置密码。此链接只能使用一次。
invitation-login-hint = 您用它登录。
invitation-password = 密码
invitation-password-hint = 至少 12 个字符。最好是几个互不相干的词。
invitation-again = 再输入一次
invitation-go = 设置密码并继续
invitation-over = 此链接已失效
invitation-over-text = 链接已被使用或已过期。请向本院管理员索取新的链接。

problem-password-short = 请至少使用 12 个字符。
problem-password-long = 最多 256 个字符。
problem-password-guessable = 太容易被猜到。请使用几个互不相干的词。
problem-password-differs = 两次输入不一致。
problem-password-wrong = 密码不正确。
problem-code-wrong = 验证码不正确或已用过。请等待下一个。
problem-code-missing = 请输入身份验证器上的验证码。
problem-login = 请使用 3 至 128 个字符，不含空格。
problem-login-taken = 已有使用它的账号。
problem-zone = 请从列表中选择时区。
problem-name = 请填写姓名，最多 120 个字符。
problem-dates = 结束早于开始。
problem-country = 两个字母，如 CN 或 KZ。
problem-role = 这不是医院工作人员的角色。
problem-missing = 此项未填。
problem-jwks = 这不是带密钥编号的公钥集（JWKS，EC 或 RSA）。
problem-jwks-private = 其中含有私钥。切勿交给任何人；请重新生成一对。
problem-reserved = 此名称为保留名称。
problem-hospital = 没有这家医院。

denied-not-a-member = 您目前在那里没有这个角色。
denied-other-hospital = 这属于另一家医院。
denied-privilege-missing = 您没有被授予这项权限。
denied-licence-missing = 您今天在本院没有有效的执业证。

rejected-no-offer = 没有正在进行的设置。请重新开始。
rejected-second-factor-demanded = 您的一个角色必须使用第二验证方式。
rejected-no-second-factor = 您没有第二验证方式。
rejected-works-elsewhere = 此人也在其他医院任职。可由网络运行者办理。
rejected-own-account = 不能更改自己的角色和权限，由另一位管理员办理。
