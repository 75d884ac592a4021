### 各页共用的外框。

skip = 跳到正文
sign-in = 登录
sign-out = 退出登录
undo = 撤销
find = 患者、病例、人员（可用拼音）
line-down = 连接已断开。您写的内容会保留；页面内容可能不是最新。

nav-main = 主导航
nav-tabs = 底部导航
nav-account = 账户
nav-inbox = 收件箱
nav-worklist = 工作列表
nav-patients = 我的患者
nav-cases = 病例
nav-people = 人员
nav-agreements = 协议
nav-audit = 审计
nav-operator = 网络
nav-me = 今日
nav-me-record = 我的病历
nav-me-consents = 知情同意
nav-me-readers = 谁看过
nav-profile = 个人资料与会话
nav-choose = 医院与角色
nav-notices = { $n ->
    [0] 通知，没有新通知
   *[other] 通知，{ $n } 条新
}

role-clinician = 临床医生
role-coordinator = 协调员
role-consultant = 会诊医生
role-administrator = 管理员
role-operator = 运维
role-patient = 患者
role-machine = 系统

look-language = 语言
look-theme = 主题
look-contrast = 增强对比度
theme-auto = 跟随系统
theme-light = 浅色
theme-dark = 深色
