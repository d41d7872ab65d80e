import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.crosswind.app"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.crosswind.app"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    // Stored as it is, the file can be mapped into memory.
    androidResources {
        noCompress += "tflite"
    }
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_17
    }
}

dependencies {
    implementation(libs.litert)

    testImplementation(libs.junit)
    testImplementation(libs.json) // the unit tests' android.jar has stubs only

    androidTestImplementation(libs.test.runner)
    androidTestImplementation(libs.test.junit)
}

// What a model must be is written once, in tflite/install.py, so the task runs it. -Ppython=... names another Python, -Pproblem=...
// the folder of another problem than the default.
// Where no model was trained, the assets that a person put there are used; the app checks their sums when it starts.
val installModel by tasks.registering(Exec::class) {
    group = "build"
    description = "Copies the newest published phone model into the assets."
    val repository = rootDir.resolve("../..")
    val runs = repository.resolve("runs")
    val installed = projectDir.resolve("src/main/assets/manifest.json")
    workingDir = repository
    commandLine(providers.gradleProperty("python").getOrElse("$repository/.venv/bin/python"), "-m", "tflite.install")
    providers.gradleProperty("problem").orNull?.let { args("--problem", it) }
    onlyIf("a model was published here, or none is installed") {
        !installed.isFile || runs.walk().maxDepth(2).any { it.name == "mobile" }
    }
}

tasks.named("preBuild") {
    dependsOn(installModel)
}
